"""Following a run over a real socket, across all kinds of network failures."""

import asyncio
from contextlib import aclosing

import pytest

from solorun.client import RunClient
from solorun.client.problems import MEDIA_TYPE
from solorun.errors import RunNotFound, ServiceUnreachable
from solorun.record import Record
from solorun.status import Status
from solorun.wire.encoding import encode
from solorun.wire.problems import ProblemDetails
from tests.fakes.scripted_service import (
    Response,
    cut,
    end_event,
    events,
    json_response,
    make_run,
    records_event,
    scripted_service,
)

ENDED = make_run(17, Status.COMPLETED, last_seq=9)


async def follow(
    *answers: Response, after: int = 0, tail: int | None = None, idle_timeout_seconds: float = 45
) -> tuple[list[int], list[str]]:
    """The seqs of the received records, and the Last-Event-ID of each request for the stream."""
    async with (
        scripted_service(answers) as service,
        RunClient(service.url, max_retry_seconds=0.01, idle_timeout_seconds=idle_timeout_seconds) as client,
    ):
        seqs = [record.seq async for record in client.follow(17, after=after, tail=tail)]
    streams = [request for request in service.requests if "/events" in request.target]
    return seqs, [request.headers["last-event-id"] for request in streams]


async def test_records_arrive_in_order_and_the_end_event_carries_the_run() -> None:
    answer = events(b": ok\n\n", records_event(1, 3), records_event(4, 9), end_event(ENDED))

    async with scripted_service([answer]) as service, RunClient(service.url) as client:
        stream = client.follow(17)
        messages = [record.message async for record in stream]

    assert messages == [f"line {seq}" for seq in range(1, 10)]
    assert stream.run == ENDED
    assert service.requests[0].target == "/api/v1/runs/17/events?batch=1"


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(events(records_event(1, 3)), id="the stream ends"),
        pytest.param(events(records_event(1, 3), b"event: shutdown\nretry: 1000\ndata: {}\n\n"), id="shutdown"),
        pytest.param(events(records_event(1, 3), records_event(4, 6)[:-20]), id="cut inside an event"),
        pytest.param(events(records_event(1, 3), records_event(4, 6)[:-1]), id="cut before the blank line"),
    ],
)
async def test_a_broken_stream_is_resumed_after_the_last_record(broken: Response) -> None:
    seqs, last_event_ids = await follow(broken, events(records_event(4, 9), end_event(ENDED)))

    assert seqs == list(range(1, 10))
    assert last_event_ids == ["0", "3"]


@pytest.mark.parametrize(
    "refusal",
    [
        pytest.param(cut, id="closed without a response"),
        pytest.param(json_response(b"<h1>Bad Gateway</h1>", 502, "text/html"), id="a proxy without a service"),
        pytest.param(
            json_response(encode(ProblemDetails("/problems/draining", "Draining", 503, "Bye.")), 503, MEDIA_TYPE),
            id="draining",
        ),
    ],
)
async def test_an_unavailable_service_is_retried(refusal: Response) -> None:
    seqs, last_event_ids = await follow(
        events(records_event(1, 3)), refusal, refusal, events(records_event(4, 9), end_event(ENDED))
    )

    assert seqs == list(range(1, 10))
    assert last_event_ids == ["0", "3", "3", "3"]


async def test_duplicate_records_are_dropped() -> None:
    seqs, _ = await follow(events(records_event(1, 3), records_event(2, 5), records_event(3, 4), end_event(ENDED)))

    assert seqs == [1, 2, 3, 4, 5]


async def test_a_stream_starts_after_the_given_record() -> None:
    seqs, last_event_ids = await follow(events(records_event(8, 9), end_event(ENDED)), after=7)

    assert seqs == [8, 9]
    assert last_event_ids == ["7"]


async def test_a_tail_keeps_its_start_after_a_reconnect() -> None:
    now = json_response(encode(make_run(17, last_seq=7)))

    seqs, last_event_ids = await follow(now, events(b": ok\n\n"), events(records_event(6, 9), end_event(ENDED)), tail=2)

    assert seqs == [6, 7, 8, 9]
    assert last_event_ids == ["5", "5"]


async def test_a_tail_longer_than_the_log_starts_at_the_beginning() -> None:
    now = json_response(encode(make_run(17, last_seq=2)))

    _, last_event_ids = await follow(now, events(end_event(ENDED)), tail=100)

    assert last_event_ids == ["0"]


async def test_an_unknown_run_is_not_retried() -> None:
    body = encode(ProblemDetails("/problems/run-not-found", "Run not found", 404, "There is no run 17."))

    with pytest.raises(RunNotFound, match="There is no run 17"):
        await follow(json_response(body, 404, MEDIA_TYPE))


async def test_giving_up_names_the_last_record() -> None:
    async with scripted_service([events(records_event(1, 3))]) as service:
        client = RunClient(service.url, reconnect_seconds=0.05, max_retry_seconds=0.01)
        async with client:
            seqs: list[int] = []
            with pytest.raises(ServiceUnreachable, match="the last record received was 3"):
                seqs.extend([record.seq async for record in client.follow(17)])


async def test_a_silent_stream_is_reconnected() -> None:
    streams = (events(records_event(1, 3), hang=True), events(records_event(4, 9), end_event(ENDED)))

    seqs, last_event_ids = await follow(*streams, idle_timeout_seconds=1.0)

    assert seqs == list(range(1, 10))
    assert last_event_ids == ["0", "3"]


async def test_an_abandoned_iteration_can_be_resumed() -> None:
    beginning = events(records_event(1, 5), hang=True)
    rest = events(records_event(3, 9), end_event(ENDED))

    async with scripted_service([beginning, rest]) as service, RunClient(service.url) as client:
        stream = client.follow(17)
        async with aclosing(aiter(stream)) as records:
            first = [(await anext(records)).seq, (await anext(records)).seq]
        then = [record.seq async for record in stream]

    assert first == [1, 2]
    assert then == [3, 4, 5, 6, 7, 8, 9]
    assert service.requests[1].headers["last-event-id"] == "2"


async def test_a_batch_counts_as_seen_when_the_next_one_is_requested() -> None:
    answer = events(records_event(1, 5), hang=True)

    async with scripted_service([answer]) as service, RunClient(service.url) as client:
        stream = client.follow(17)
        async with aclosing(stream.batches()) as batches:
            batch = await anext(batches)

    assert len(batch) == 5
    assert stream.last_seq == 0


async def test_cancelling_a_stream_closes_only_its_own_connection() -> None:
    streams = [events(records_event(1, 2), hang=True), events(records_event(1, 2), end_event(ENDED))]

    async with scripted_service(streams) as service, RunClient(service.url) as client:
        first_record = asyncio.Event()

        async def read_forever() -> None:
            async for _ in client.follow(17):
                first_record.set()

        cancelled = asyncio.create_task(read_forever())
        await first_record.wait()
        cancelled.cancel()
        other: list[Record] = [record async for record in client.follow(17)]
        await asyncio.wait_for(service.hung_up.wait(), 60)

    assert cancelled.cancelled()
    assert [record.seq for record in other] == [1, 2]


async def test_waiting_for_a_run_requests_no_records() -> None:
    answers = [json_response(encode(make_run(17, last_seq=5))), cut, events(end_event(ENDED))]

    async with scripted_service(answers) as service, RunClient(service.url) as client:
        run = await client.wait_for_run(17)

    assert run == ENDED
    assert int(service.requests[2].headers["last-event-id"]) > 10**12


async def test_waiting_for_a_run_that_has_ended_needs_no_stream() -> None:
    async with scripted_service([json_response(encode(ENDED))]) as service, RunClient(service.url) as client:
        run = await client.wait_for_run(17)

    assert run == ENDED
    assert len(service.requests) == 1


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(b"event: records\ndata: [{\n\n", id="cut JSON"),
        pytest.param(b'event: records\ndata: [{"seq": "x"}]\n\n', id="another type"),
        pytest.param(b'event: records\ndata: ["\xff"]\n\n', id="not UTF-8"),
        pytest.param(b"event: end\ndata: {}\n\n", id="an end without a run"),
        pytest.param(b"event: end\ndata: " + b"[" * 100_000 + b"\n\n", id="nested too deeply"),
    ],
)
async def test_an_event_that_cannot_be_read_ends_the_stream_immediately(event: bytes) -> None:
    answers = [events(records_event(1, 3), event), events(end_event(ENDED))]

    async with scripted_service(answers) as service, RunClient(service.url) as client:
        with pytest.raises(ServiceUnreachable, match="that this client cannot read"):
            await client.follow(17).wait()

    assert len(service.requests) == 1


async def test_an_endless_retry_field_does_not_end_the_stream() -> None:
    seqs, _ = await follow(
        events(b"retry: " + b"9" * 5000 + b"\n\n", records_event(1, 3)), events(records_event(4, 4), end_event(ENDED))
    )

    assert seqs == [1, 2, 3, 4]
