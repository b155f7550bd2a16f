"""A start is repeated with its key until the service answers."""

import asyncio

import httpx
import pytest
from msgspec.structs import asdict

from solorun.client import RunClient
from solorun.client.problems import MEDIA_TYPE
from solorun.errors import InvalidRequest, RunActive, ServiceUnreachable, SolorunError, StoreUnavailable
from solorun.wire.encoding import encode
from solorun.wire.problems import ProblemDetails
from solorun.wire.runs import StartedRun
from tests.fakes.scripted_service import Response, cut, json_response, make_run, scripted_service
from tests.fakes.stepped_loop import SteppedLoop, run_stepped

STARTED = StartedRun(**asdict(make_run(17)))
ANSWER = json_response(encode(STARTED), 201)


def problem(slug: str, status: int, **members: object) -> Response:
    document = ProblemDetails(f"/problems/{slug}", "T", status, "No.", **members)  # type: ignore[arg-type]
    return json_response(encode(document), status, MEDIA_TYPE, headers=("Retry-After: 5",))


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param(cut, id="a lost connection"),
        pytest.param(Response((b"HTTP/1.1 201 Created\r\nContent-Le",)), id="half an answer"),
        pytest.param(problem("draining", 503), id="a shutdown"),
        pytest.param(problem("store-unavailable", 503), id="a database that does not answer"),
        pytest.param(json_response(b"<h1>Bad Gateway</h1>", 502, "text/html"), id="a proxy without a service"),
        pytest.param(json_response(b"", 504, "text/html"), id="a proxy that did not wait"),
    ],
)
async def test_a_start_is_repeated_with_its_key_until_it_is_answered(failure: Response) -> None:
    causes: list[SolorunError] = []
    async with (
        scripted_service([failure, failure, ANSWER]) as service,
        RunClient(service.url, max_retry_seconds=0.01) as client,
    ):
        run = await client.start_run("handbook", params={"date": "today"}, on_retry=causes.append)

    assert run == STARTED
    assert len(service.requests) == 3
    assert len({(request.headers["idempotency-key"], request.body) for request in service.requests}) == 1
    assert len(causes) == 1


async def test_a_rerun_is_repeated_with_its_key() -> None:
    async with (
        scripted_service([cut, ANSWER]) as service,
        RunClient(service.url, max_retry_seconds=0.01) as client,
    ):
        run = await client.rerun(16, idempotency_key="nightly")

    assert run == STARTED
    assert [request.headers["idempotency-key"] for request in service.requests] == ["nightly", "nightly"]


async def test_each_start_has_its_own_key() -> None:
    async with scripted_service([ANSWER, ANSWER]) as service, RunClient(service.url) as client:
        await client.start_run("handbook")
        await client.start_run("handbook")

    first, second = (request.headers["idempotency-key"] for request in service.requests)
    assert first != second


async def test_a_start_sends_the_key_that_it_is_given() -> None:
    async with scripted_service([ANSWER]) as service, RunClient(service.url) as client:
        await client.start_run("handbook", idempotency_key="nightly-2026-11-29")

    assert service.requests[0].headers["idempotency-key"] == "nightly-2026-11-29"


@pytest.mark.parametrize("key", ["", "two words", "schlüssel", "a\r\nX-Header: b", "x" * 256])
async def test_a_malformed_key_is_refused_before_it_is_sent(key: str) -> None:
    async with scripted_service([ANSWER]) as service, RunClient(service.url) as client:
        with pytest.raises(InvalidRequest, match="Idempotency-Key: must be 1 to 255 visible ASCII characters"):
            await client.start_run("handbook", idempotency_key=key)

    assert service.requests == []


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (problem("run-active", 409, active_run=make_run(17)), RunActive),
        (problem("invalid-request", 422), InvalidRequest),
        (json_response(b"It works!", 200, "text/html"), ServiceUnreachable),
        (json_response(b"[]", 201), ServiceUnreachable),
    ],
)
async def test_an_answer_is_not_repeated(answer: Response, error: type[Exception]) -> None:
    async with scripted_service([answer, ANSWER]) as service, RunClient(service.url) as client:
        with pytest.raises(error):
            await client.start_run("handbook")

    assert len(service.requests) == 1


async def test_a_start_without_a_service_fails_immediately() -> None:
    async with scripted_service([]) as gone:
        pass

    async with RunClient(gone.url) as client:
        with pytest.raises(ServiceUnreachable, match="connection refused"):
            await client.start_run("handbook")


async def test_a_start_waits_for_a_service_that_restarts() -> None:
    failures: list[Exception] = [
        httpx.ReadTimeout("late"),
        httpx.ConnectError("refused"),
        httpx.ConnectError("refused"),
    ]

    def answer(request: httpx.Request) -> httpx.Response:
        if failures:
            raise failures.pop(0)
        return httpx.Response(201, content=encode(STARTED), headers={"Content-Type": "application/json"})

    transport = httpx.MockTransport(answer)
    async with RunClient("http://runs.example.org", transport=transport, max_retry_seconds=0.01) as client:
        run = await client.start_run("handbook")

    assert run == STARTED


def test_a_start_gives_up_after_the_time_for_reconnects() -> None:
    requests: list[httpx.Request] = []

    def close(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        raise httpx.RemoteProtocolError("closed")

    async def give_up(loop: SteppedLoop) -> None:
        transport = httpx.MockTransport(close)
        async with RunClient("http://runs.example.org", transport=transport, reconnect_seconds=60) as client:
            start = asyncio.create_task(client.start_run("handbook"))
            while not start.done():
                await loop.advance(1)
            with pytest.raises(ServiceUnreachable, match=r"Gave up after (5\d|60) s\. The run may have been started\."):
                await start

    run_stepped(give_up)

    assert len(requests) > 1


async def test_a_start_that_is_given_up_raises_the_last_problem() -> None:
    async with (
        scripted_service([problem("store-unavailable", 503)] * 100) as service,
        RunClient(service.url, reconnect_seconds=0.05, max_retry_seconds=0.01) as client,
    ):
        with pytest.raises(StoreUnavailable, match=r"No\."):
            await client.start_run("handbook")
