"""Problem documents of the service become exceptions."""

import msgspec
import pytest

from solorun import errors
from solorun.api.problems import PROBLEM_JSON, problem_response
from solorun.client.problems import MEDIA_TYPE, error_of
from solorun.errors import (
    PROBLEMS,
    FieldError,
    InvalidRequest,
    Problem,
    RunActive,
    RunNotActive,
    RunNotEnded,
    ServiceDraining,
    ServiceUnreachable,
)
from solorun.wire.problems import ProblemDetails, ProblemFieldError
from tests.fakes.scripted_service import make_run

WITH_A_RUN = {"run-active", "run-not-active", "run-not-ended"}


def problem(slug: str, detail: str = "Something.", **members: object) -> bytes:
    details = ProblemDetails(f"/problems/{slug}", "Title", 400, detail)
    return msgspec.json.encode(msgspec.structs.replace(details, **members))


@pytest.mark.parametrize("slug", sorted(PROBLEMS.keys() - WITH_A_RUN))
def test_every_slug_maps_to_its_error(slug: str) -> None:
    error = error_of(400, MEDIA_TYPE, problem(slug, "The detail."))

    assert type(error) is PROBLEMS[slug]
    assert error.message == "The detail."


def test_every_problem_has_a_slug() -> None:
    assert set(PROBLEMS.values()) == set(Problem.__subclasses__())
    assert all(error.slug == slug for slug, error in PROBLEMS.items())


@pytest.mark.parametrize("slug", sorted(PROBLEMS))
def test_the_client_decodes_every_problem_of_the_service(slug: str) -> None:
    error = _error_with_members(PROBLEMS[slug])

    answer = problem_response(error, path="/api/v1/x")
    decoded = error_of(answer.status, PROBLEM_JSON.decode(), answer.body)

    assert type(decoded) is type(error)
    assert str(decoded) == str(error)


def _error_with_members(kind: type[Problem]) -> Problem:
    match kind:
        case errors.RunActive | errors.RunNotActive | errors.RunNotEnded:
            return kind(make_run(17))
        case errors.InvalidRequest:
            return InvalidRequest(errors=[FieldError("/scope", "unknown")])
        case _:
            return kind()


def test_a_conflict_carries_the_active_run_and_the_retry_delay() -> None:
    run = make_run(17)

    error = error_of(409, MEDIA_TYPE, problem("run-active", active_run=run), retry_after="12")

    assert isinstance(error, RunActive)
    assert error.active_run == run
    assert error.retry_after_seconds == 12.0


@pytest.mark.parametrize("kind", [RunNotActive, RunNotEnded])
def test_a_run_in_the_wrong_status_is_carried_by_the_error(kind: type[RunNotActive | RunNotEnded]) -> None:
    run = make_run(17)

    error = error_of(409, MEDIA_TYPE, problem(kind.slug, run=run))

    assert isinstance(error, kind)
    assert error.run == run


def test_field_errors_keep_their_pointers() -> None:
    errors_in_body = (ProblemFieldError("/scope", "unknown"), ProblemFieldError("/params/date", "not declared"))

    error = error_of(422, MEDIA_TYPE, problem("invalid-request", errors=errors_in_body))

    assert isinstance(error, InvalidRequest)
    assert error.errors == (FieldError("/scope", "unknown"), FieldError("/params/date", "not declared"))


def test_an_endless_retry_after_is_limited_to_a_day() -> None:
    error = error_of(503, MEDIA_TYPE, problem("draining"), retry_after="9" * 5000)

    assert isinstance(error, ServiceDraining)
    assert error.retry_after_seconds == 86_400


def test_a_retry_after_that_is_not_in_seconds_is_ignored() -> None:
    error = error_of(503, MEDIA_TYPE, problem("draining"), retry_after="Wed, 21 Oct 2026 07:28:00 GMT")

    assert isinstance(error, ServiceDraining)
    assert error.retry_after_seconds == ServiceDraining.retry_after_seconds


@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        ("text/html", b"<h1>502 Bad Gateway</h1>"),
        ("", b""),
        (MEDIA_TYPE, b"{"),
        (MEDIA_TYPE, b"[" * 100_000),
        (MEDIA_TYPE, b'{"type": "\xff"}'),
        (MEDIA_TYPE, b'{"type": "about:blank"}'),
        (MEDIA_TYPE, problem("from-the-future")),
        (MEDIA_TYPE, problem("run-active")),
        (MEDIA_TYPE, problem("run-not-active")),
        (MEDIA_TYPE, problem("run-not-ended")),
    ],
)
def test_an_unknown_error_response_is_an_unreachable_service(media_type: str, body: bytes) -> None:
    assert isinstance(error_of(502, media_type, body), ServiceUnreachable)


def test_the_media_type_can_have_parameters_and_capitals() -> None:
    error = error_of(503, "Application/Problem+JSON; charset=utf-8", problem("draining"))

    assert isinstance(error, ServiceDraining)
