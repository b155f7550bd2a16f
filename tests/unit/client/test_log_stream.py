"""Following a run across everything that a network does, against a real socket."""

import asyncio
from contextlib import aclosing

import pytest

from solorun.client import RunClient, transport
from solorun.client.problems import MEDIA_TYPE
from solorun.errors import RunNotFound, ServiceUnreachable
from solorun.record import Record
from solorun.status import Status
from solorun.wire import ProblemDetails, encode
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


@pytest.fixture(autouse=True)
def short_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("solorun.client.backoff.FIRST_SECONDS", 0.001)
    monkeypatch.setattr("solorun.client.backoff.LONGEST_SECONDS", 0.01)


async def follow(*answers: Response, after: int = 0, tail: int | None = None) -> tuple[list[int], list[str]]:
    """The seqs that a follow gives, and the Last-Event-ID of each request for the stream."""
    async with scripted_service(answers) as service, RunClient(service.url, reconnect_seconds=2) as client:
        seqs = [record.seq async for record in client.follow(17, after=after, tail=tail)]
    streams = [request for request in service.requests if "/events" in request.target]
    return seqs, [request.headers["last-event-id"] for request in streams]


async def test_records_come_in_order_until_the_end_which_brings_the_run() -> None:
    stream = events(b": ok\n\n", records_event(1, 3), records_event(4, 9), end_event(ENDED))

    async with scripted_service([stream]) as service, RunClient(service.url) as client:
        following = client.follow(17)
        messages = [record.message async for record in following]

    assert messages == [f"line {seq}" for seq in range(1, 10)]
    assert following.run == ENDED
    assert service.requests[0].target == "/api/v1/runs/17/events?batch=1"


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(events(records_event(1, 3)), id="the stream just ends"),
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
        pytest.param(cut, id="closed without a word"),
        pytest.param(json_response(b"<h1>Bad Gateway</h1>", 502, "text/html"), id="a proxy without a service"),
        pytest.param(
            json_response(encode(ProblemDetails("/problems/draining", "Draining", 503, "Bye.")), 503, MEDIA_TYPE),
            id="draining",
        ),
    ],
)
async def test_a_service_that_is_away_is_asked_again(refusal: Response) -> None:
    seqs, last_event_ids = await follow(
        events(records_event(1, 3)), refusal, refusal, events(records_event(4, 9), end_event(ENDED))
    )

    assert seqs == list(range(1, 10))
    assert last_event_ids == ["0", "3", "3", "3"]


async def test_a_record_that_comes_twice_is_given_once() -> None:
    seqs, _ = await follow(events(records_event(1, 3), records_event(2, 5), records_event(3, 4), end_event(ENDED)))

    assert seqs == [1, 2, 3, 4, 5]


async def test_a_follow_begins_after_the_given_record() -> None:
    seqs, last_event_ids = await follow(events(records_event(8, 9), end_event(ENDED)), after=7)

    assert seqs == [8, 9]
    assert last_event_ids == ["7"]


async def test_a_tail_means_the_same_records_after_a_lost_connection() -> None:
    now = json_response(encode(make_run(17, last_seq=7)))

    seqs, last_event_ids = await follow(now, events(b": ok\n\n"), events(records_event(6, 9), end_event(ENDED)), tail=2)

    assert seqs == [6, 7, 8, 9]
    assert last_event_ids == ["5", "5"]


async def test_a_tail_longer_than_the_log_begins_at_its_beginning() -> None:
    now = json_response(encode(make_run(17, last_seq=2)))

    _, last_event_ids = await follow(now, events(end_event(ENDED)), tail=100)

    assert last_event_ids == ["0"]


async def test_an_unknown_run_is_an_error_at_once() -> None:
    body = encode(ProblemDetails("/problems/run-not-found", "Run not found", 404, "There is no run 17."))

    with pytest.raises(RunNotFound, match="There is no run 17"):
        await follow(json_response(body, 404, MEDIA_TYPE))


async def test_a_service_that_stays_away_is_given_up_with_the_last_record_named() -> None:
    async with scripted_service([events(records_event(1, 3))]) as service:
        client = RunClient(service.url, reconnect_seconds=0.05)
        async with client:
            seqs: list[int] = []
            with pytest.raises(ServiceUnreachable, match="the last record seen was 3"):
                seqs.extend([record.seq async for record in client.follow(17)])


async def test_a_silent_stream_is_taken_for_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "SILENT_STREAM_SECONDS", 1.0)

    seqs, last_event_ids = await follow(
        events(records_event(1, 3), hang=True), events(records_event(4, 9), end_event(ENDED))
    )

    assert seqs == list(range(1, 10))
    assert last_event_ids == ["0", "3"]


async def test_a_follow_that_was_left_goes_on_where_it_was_left() -> None:
    stream = events(records_event(1, 5), hang=True)
    rest = events(records_event(3, 9), end_event(ENDED))

    async with scripted_service([stream, rest]) as service, RunClient(service.url) as client:
        following = client.follow(17)
        async with aclosing(aiter(following)) as records:
            first = [(await anext(records)).seq, (await anext(records)).seq]
        then = [record.seq async for record in following]

    assert first == [1, 2]
    assert then == [3, 4, 5, 6, 7, 8, 9]
    assert service.requests[1].headers["last-event-id"] == "2"


async def test_a_batch_counts_as_seen_only_when_the_next_is_asked_for() -> None:
    stream = events(records_event(1, 5), hang=True)

    async with scripted_service([stream]) as service, RunClient(service.url) as client:
        following = client.follow(17)
        async with aclosing(following.batches()) as batches:
            batch = await anext(batches)

    assert len(batch) == 5
    assert following.last_seq == 0


async def test_a_cancelled_follow_hangs_up_and_leaves_others_alone() -> None:
    streams = [events(records_event(1, 2), hang=True), events(records_event(1, 2), end_event(ENDED))]

    async with scripted_service(streams) as service, RunClient(service.url) as client:
        first_record = asyncio.Event()

        async def read_for_ever() -> None:
            async for _ in client.follow(17):
                first_record.set()

        cancelled = asyncio.create_task(read_for_ever())
        await first_record.wait()
        cancelled.cancel()
        other: list[Record] = [record async for record in client.follow(17)]
        await asyncio.wait_for(service.hung_up.wait(), 60)

    assert cancelled.cancelled()
    assert [record.seq for record in other] == [1, 2]


async def test_waiting_for_a_run_asks_for_no_records() -> None:
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
