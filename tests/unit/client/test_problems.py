"""Problems of the service become the errors of the vocabulary again."""

import msgspec
import pytest

from solorun import errors
from solorun.api.problems import PROBLEMS, problem_response
from solorun.client.problems import ERRORS, MEDIA_TYPE, error_of
from solorun.errors import (
    FieldError,
    InvalidRequest,
    Problem,
    RunActive,
    RunNotActive,
    ServiceDraining,
    ServiceUnreachable,
)
from solorun.http.problems import PROBLEM_JSON
from solorun.wire import ProblemDetails, ProblemFieldError
from tests.fakes.scripted_service import make_run

WITH_A_RUN = {"run-active", "run-not-active"}


def problem(slug: str, detail: str = "Something.", **members: object) -> bytes:
    details = ProblemDetails(f"/problems/{slug}", "Title", 400, detail)
    return msgspec.json.encode(msgspec.structs.replace(details, **members))


@pytest.mark.parametrize("slug", sorted(ERRORS.keys() - WITH_A_RUN))
def test_every_slug_becomes_the_error_that_has_it(slug: str) -> None:
    error = error_of(400, MEDIA_TYPE, problem(slug, "The detail."))

    assert type(error) is ERRORS[slug]
    assert error.message == "The detail."


def test_no_error_of_the_vocabulary_is_without_a_slug() -> None:
    assert set(ERRORS.values()) == set(Problem.__subclasses__())
    assert all(error.slug == slug for slug, error in ERRORS.items())


@pytest.mark.parametrize("slug", sorted(PROBLEMS))
def test_what_the_service_says_is_what_the_client_understands(slug: str) -> None:
    error = _error_with_members(PROBLEMS[slug].error)

    answer = problem_response(error, path="/api/v1/x")
    understood = error_of(answer.status, PROBLEM_JSON.decode(), answer.body)

    assert type(understood) is type(error)
    assert str(understood) == str(error)
    assert PROBLEMS.keys() == ERRORS.keys()


def _error_with_members(kind: type[Problem]) -> Problem:
    match kind:
        case errors.RunActive | errors.RunNotActive:
            return kind(make_run(17))
        case errors.InvalidRequest:
            return InvalidRequest(faults=[FieldError("/scope", "unknown")])
        case _:
            return kind()


def test_a_conflict_brings_the_active_run_and_the_time_to_wait() -> None:
    run = make_run(17)

    error = error_of(409, MEDIA_TYPE, problem("run-active", active_run=run), retry_after="12")

    assert isinstance(error, RunActive)
    assert error.active_run == run
    assert error.retry_after_seconds == 12.0


def test_a_refused_cancel_brings_the_run() -> None:
    run = make_run(17)

    error = error_of(409, MEDIA_TYPE, problem("run-not-active", run=run))

    assert isinstance(error, RunNotActive)
    assert error.run == run


def test_faults_of_a_body_come_back_with_their_pointers() -> None:
    faults = (ProblemFieldError("/scope", "unknown"), ProblemFieldError("/params/date", "not declared"))

    error = error_of(422, MEDIA_TYPE, problem("invalid-request", errors=faults))

    assert isinstance(error, InvalidRequest)
    assert error.faults == (FieldError("/scope", "unknown"), FieldError("/params/date", "not declared"))


def test_a_retry_after_that_is_no_number_of_seconds_leaves_the_default() -> None:
    error = error_of(503, MEDIA_TYPE, problem("draining"), retry_after="Wed, 21 Oct 2026 07:28:00 GMT")

    assert isinstance(error, ServiceDraining)
    assert error.retry_after_seconds == ServiceDraining.retry_after_seconds


@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        ("text/html", b"<h1>502 Bad Gateway</h1>"),
        ("", b""),
        (MEDIA_TYPE, b"{"),
        (MEDIA_TYPE, b'{"type": "about:blank"}'),
        (MEDIA_TYPE, problem("from-the-future")),
        (MEDIA_TYPE, problem("run-active")),
        (MEDIA_TYPE, problem("run-not-active")),
    ],
)
def test_an_answer_that_is_no_problem_of_ours_means_that_no_service_was_reached(media_type: str, body: bytes) -> None:
    assert isinstance(error_of(502, media_type, body), ServiceUnreachable)


def test_the_media_type_may_have_parameters_and_capitals() -> None:
    error = error_of(503, "Application/Problem+JSON; charset=utf-8", problem("draining"))

    assert isinstance(error, ServiceDraining)
