"""Event streams on a real socket: their exact bytes, resuming, idle streams, and how they end."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from typing import Any

import httpx_sse
import pytest

from solorun.auth.sessions import SESSION_SECONDS
from solorun.http.event_stream import StreamLimits
from solorun.logs import Receiver
from solorun.record import Stream
from solorun.run import Run
from solorun.segment import Segment
from solorun.service import ServiceLimits
from solorun.wire import encode
from tests.fakes.application import TOKEN
from tests.fakes.http_server import Connection, LiveServer, OpenServer


def events_of(ndjson: bytes) -> list[bytes]:
    """These records as events in the standard's format."""
    lines = ndjson.splitlines()
    records = [json.loads(line) for line in lines]
    return [
        b"id: %d\nevent: %b\ndata: %b\n\n" % (record["seq"], record.get("event", "log").encode(), line)
        for record, line in zip(records, lines, strict=True)
    ]


def end_of(run: Run) -> bytes:
    return b"id: %d\nevent: end\ndata: %b\nretry: 60000\n\n" % (run.last_seq, encode(run))


async def read_log(server: LiveServer, run: Run) -> list[bytes]:
    return events_of((await server.client.get(f"/api/v1/runs/{run.id}/log.ndjson")).content)


async def test_an_ended_run_is_streamed_completely_with_its_end(open_server: OpenServer) -> None:
    async with open_server() as server:
        run = await server.complete(["one", 'two "quoted" \\ \r 日本 \u2028 data: x', ""])
        expected = await read_log(server, run)

        async with server.connect() as connection:
            await connection.get(f"/api/v1/runs/{run.id}/events")
            head = await connection.read_until(b"\r\n\r\n")
            body = await connection.read_body()

    assert b"content-type: text/event-stream; charset=utf-8\r\n" in head
    assert b"cache-control: no-store, no-transform\r\n" in head
    assert b"x-accel-buffering: no\r\n" in head
    assert b"content-encoding" not in head
    assert len(expected) == 5
    assert body == b": ok\n\n" + b"".join(expected) + end_of(run)


@pytest.mark.parametrize("path", ["events", "log.ndjson", "log"])
async def test_an_http_1_0_client_gets_a_body_without_chunks(open_server: OpenServer, path: str) -> None:
    async with open_server() as server:
        run = await server.complete(["one", "x" * 100_000, "three"])
        path = f"/api/v1/runs/{run.id}/{path}"
        whole = (await server.client.get(path)).content

        async with server.connect() as connection:
            await connection.send(f"GET {path} HTTP/1.0\r\nhost: localhost\r\n\r\n".encode())
            head = await connection.read_until(b"\r\n\r\n")
            body = await connection.read_to_close()

    assert b"transfer-encoding" not in head
    assert b"connection: close\r\n" in head
    assert body == whole


async def test_an_active_run_is_streamed_live_from_the_first_byte(open_server: OpenServer) -> None:
    async with open_server() as server:
        run_id, step = await server.begin()

        async with server.stream(f"/api/v1/runs/{run_id}/events") as connection:
            opening = await connection.read_chunks_until(b": ok\n\n")
            await step.context.output.write("deploy", Stream.STDOUT, ["hello"])
            live = await connection.read_chunks_until(b'"message":"hello"}\n\n')
            step.end()
            rest = await connection.read_body()

        run = await server.service.manager.get_run(run_id)
        assert opening == b": ok\n\n"
        assert live + rest == b"".join(await read_log(server, run)) + end_of(run)


@pytest.mark.parametrize(
    ("query", "headers", "after"),
    [
        ("", {"last_event_id": "0"}, 0),
        ("", {"last_event_id": "3"}, 3),
        ("", {"last_event_id": "007"}, 7),
        ("", {"last_event_id": "12"}, 12),
        ("", {"last_event_id": "999"}, 12),
        ("", {"last_event_id": "9" * 5000}, 12),
        ("", {"last_event_id": "9223372036854775808"}, 12),
        ("?after=5", {}, 5),
        ("?after=5", {"last_event_id": "2"}, 2),
        ("?after=5", {"last_event_id": ""}, 5),
        ("?after=5&tail=1", {}, 5),
        ("?tail=0", {}, 12),
        ("?tail=2", {}, 10),
        ("?tail=500", {}, 0),
        ("?tail=2", {"last_event_id": "4"}, 4),
    ],
)
async def test_a_stream_starts_exactly_where_requested(
    open_server: OpenServer, query: str, headers: dict[str, str], after: int
) -> None:
    async with open_server() as server:
        run = await server.complete([f"line {number}" for number in range(10)])
        expected = await read_log(server, run)

        async with server.stream(f"/api/v1/runs/{run.id}/events{query}", **headers) as connection:
            body = await connection.read_body()

    assert body == b": ok\n\n" + b"".join(expected[after:]) + end_of(run)


async def test_a_batched_stream_contains_the_same_records(open_server: OpenServer) -> None:
    async with open_server() as server:
        run = await server.complete([f"line {number}" for number in range(3000)])
        lines = (await server.client.get(f"/api/v1/runs/{run.id}/log.ndjson")).content.splitlines()

        async with server.stream(f"/api/v1/runs/{run.id}/events?batch=1&after=1500") as connection:
            body = await connection.read_body()

    batches = body.removeprefix(b": ok\n\n").removesuffix(b"\n\n" + end_of(run)).split(b"\n\n")
    fields = [batch.split(b"\n") for batch in batches]
    records = [record for _, _, data in fields for record in json.loads(data.removeprefix(b"data: "))]
    assert records == [json.loads(line) for line in lines[1500:]]
    assert {event for _, event, _ in fields} == {b"event: records"}
    assert fields[-1][0] == b"id: %d" % run.last_seq
    assert body.endswith(end_of(run))


async def test_a_reader_that_is_cut_off_anywhere_resumes_without_gaps_or_repeats(open_server: OpenServer) -> None:
    async with open_server() as server:
        run = await server.complete([f"line {number}" for number in range(20)])
        whole = b"".join(await read_log(server, run))

        async def read_cut(offset: int) -> bytes:
            """What a reader receives that loses its connection after this many bytes and resumes from its last id."""
            seen = whole[:offset].rpartition(b"\n\n")
            events = seen[0] + seen[1]
            last = events.rpartition(b"id: ")[2].partition(b"\n")[0].decode()
            async with server.stream(f"/api/v1/runs/{run.id}/events", last_event_id=last) as connection:
                rest = await connection.read_body()
            return events + rest.removeprefix(b": ok\n\n")

        results = {await read_cut(offset) for offset in range(0, len(whole), 61)}

    assert results == {whole + end_of(run)}


async def test_an_event_source_can_parse_the_stream(open_server: OpenServer) -> None:
    async with open_server() as server:
        run = await server.complete(["a\rid: 99\rdata: forged", "b"])

        async with httpx_sse.aconnect_sse(server.client, "GET", f"/api/v1/runs/{run.id}/events") as source:
            events = [event async for event in source.aiter_sse()]

    assert [(event.id, event.event) for event in events[-4:]] == [
        ("2", "log"),
        ("3", "log"),
        ("4", "step"),
        ("4", "end"),
    ]
    assert json.loads(events[-4].data)["message"] == "a\rid: 99\rdata: forged"


async def test_an_idle_stream_gets_comments(open_server: OpenServer) -> None:
    limits = ServiceLimits(streams=StreamLimits(comment_interval_seconds=0.02))
    async with open_server(limits=limits) as server, server.stream("/api/v1/events") as connection:
        await connection.read_chunks_until(b'event: runs\ndata: {"runs":[]}\n\n')

        comments = [await connection.read_chunk() for _ in range(3)]

    assert comments == [b": \n\n"] * 3


async def test_idle_checks_of_streams_share_a_wake_up_on_whole_seconds(open_server: OpenServer) -> None:
    async with open_server() as server, server.stream("/api/v1/events") as one, server.stream("/api/v1/events") as two:
        await one.read_chunks_until(b"]}\n\n")
        await two.read_chunks_until(b"]}\n\n")

        dues = [stream._timer.when() for stream in server.app.state.streams._open if stream._timer is not None]

    assert len(dues) == 2
    assert all(due == int(due) for due in dues)


async def test_a_stalled_reader_is_disconnected(open_server: OpenServer) -> None:
    limits = ServiceLimits(streams=StreamLimits(comment_interval_seconds=0.02, send_timeout_seconds=0.1))
    async with open_server(limits=limits) as server:
        run_id, step = await server.begin()

        async with server.connect(receive_buffer=4096) as connection:
            await connection.get(f"/api/v1/runs/{run_id}/events")
            await connection.read_until(b": ok\n\n")
            for _ in range(40):
                await step.context.output.write("deploy", Stream.STDOUT, ["x" * 10_000] * 10)
            await server.until(lambda: server.service.hub.open_streams == 0)

        step.end()
        assert len(server.app.state.streams) == 0


async def test_a_reader_that_disconnects_is_noticed_immediately(open_server: OpenServer) -> None:
    async with open_server() as server:
        run_id, _ = await server.begin()

        async with server.stream(f"/api/v1/runs/{run_id}/events"):
            during = server.service.hub.open_streams
        await server.until(lambda: server.service.hub.open_streams == 0)

    assert during == 1


@pytest.mark.parametrize("path", ["/api/v1/events", "/api/v1/runs/1/events"])
async def test_a_head_of_a_stream_ends_immediately(open_server: OpenServer, path: str) -> None:
    async with open_server() as server:
        await server.begin()

        response = await server.client.head(path)

    assert (response.status_code, response.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")


async def test_a_stream_whose_log_cannot_be_read_is_cut_off_without_an_end(
    open_server: OpenServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(
        run_id: int, *, after: int, page_records: int, receiver: Receiver
    ) -> AsyncGenerator[Segment | Run, None]:
        raise OSError("disk on fire")
        yield

    async with open_server() as server:
        run = await server.complete(["x"])
        monkeypatch.setattr(server.service.tail, "follow", broken)

        async with server.stream(f"/api/v1/runs/{run.id}/events") as connection:
            rest = await connection.read_to_close()

    assert not rest.endswith(b"0\r\n\r\n")
    assert b"event: end" not in rest
    assert "disk on fire" in caplog.text
    assert "without completing response" not in caplog.text


Events = list[tuple[bytes, Any]]


async def read_events(connection: Connection, *, until: Callable[[Events], bool]) -> Events:
    """The next events of a dashboard's stream, without comments, until the predicate holds."""
    events: Events = []
    while not until(events):
        body = await connection.read_chunks_until(b"\n\n")
        blocks = [block.split(b"\n") for block in body.removesuffix(b"\n\n").split(b"\n\n")]
        events += [
            (block[0].removeprefix(b"event: "), json.loads(block[1].removeprefix(b"data: ")))
            for block in blocks
            if len(block) == 2
        ]
    return events


def has_status(run_id: int, status: str) -> Callable[[Events], bool]:
    return lambda events: any(kind == b"run" and (run["id"], run["status"]) == (run_id, status) for kind, run in events)


async def test_the_dashboard_stream_sends_all_runs_then_their_changes(open_server: OpenServer) -> None:
    async with open_server() as server:
        first, step = await server.begin()

        async with server.stream("/api/v1/events") as connection:
            ((kind, snapshot),) = await read_events(connection, until=lambda events: bool(events))
            second, other = await server.begin("handbook", "extract")
            other.end("boom", 3)
            changes = await read_events(connection, until=has_status(second, "failed"))
            step.end()
            changes += await read_events(connection, until=has_status(first, "completed"))

    assert (kind, [run["id"] for run in snapshot["runs"]]) == (b"runs", [first])
    assert {kind for kind, _ in changes} == {b"run"}
    assert changes[-1][1].keys() == snapshot["runs"][0].keys()


async def test_the_records_of_a_followed_run_precede_its_terminal_state(open_server: OpenServer) -> None:
    async with open_server() as server:
        run_id, step = await server.begin()

        async with server.stream(f"/api/v1/events?follow={run_id}:1") as connection:
            await step.context.output.write("deploy", Stream.STDOUT, [f"line {number}" for number in range(500)])
            step.end()
            events = await read_events(connection, until=has_status(run_id, "completed"))
            # No event of an ended run follows: the next one belongs to another run.
            other, _ = await server.begin("handbook", "extract")
            after = await read_events(connection, until=has_status(other, "running"))

    records = [data for kind, data in events if kind in (b"log", b"step")]
    assert [record["seq"] for record in records] == list(range(2, 503))
    assert {record["run"] for record in records} == {run_id}
    assert {run["id"] for _, run in after} == {other}


async def test_an_ended_run_can_be_followed_on_the_dashboard_stream(open_server: OpenServer) -> None:
    async with open_server() as server:
        run = await server.complete(["a", "b"])

        async with server.stream(f"/api/v1/events?follow={run.id}:2") as connection:
            events = await read_events(connection, until=has_status(run.id, "completed"))

    assert [(kind, data.get("seq", data.get("id"))) for kind, data in events] == [
        (b"runs", None),
        (b"log", 3),
        (b"step", 4),
        (b"run", run.id),
    ]


async def test_a_dashboard_stream_that_fell_behind_ends(
    open_server: OpenServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("solorun.logs.run_feed.MAX_BACKLOG", 0)
    async with open_server() as server:
        run_id, step = await server.begin()

        async with server.stream(f"/api/v1/events?follow={run_id}:0") as connection:
            await connection.read_chunks_until(b"}]}\n\n")
            await server.begin("handbook", "extract")
            rest = await connection.read_body()

        step.end()
    assert b"event: shutdown" not in rest


async def test_streams_of_active_runs_end_with_shutdown(open_server: OpenServer) -> None:
    async with open_server() as server:
        run_id, step = await server.begin()
        step.unkillable = True
        paths = [f"/api/v1/runs/{run_id}/events", "/api/v1/events", f"/api/v1/events?follow={run_id}:0"]

        async with asyncio.timeout(60):
            async with server.stream(paths[0]) as one, server.stream(paths[1]) as two, server.stream(paths[2]) as three:
                await server.until(lambda: server.service.hub.open_streams == 3)
                server.stop.set()
                bodies = [await connection.read_body() for connection in (one, two, three)]
            step.end()

    assert [body.endswith(b"retry: 1000\nevent: shutdown\ndata: {}\n\n") for body in bodies] == [True] * 3


async def test_an_idle_stream_ends_with_shutdown(open_server: OpenServer) -> None:
    async with open_server() as server, server.stream("/api/v1/events") as connection:
        await connection.read_chunks_until(b'{"runs":[]}\n\n')
        server.stop.set()

        rest = await connection.read_body()

    assert rest == b"retry: 1000\nevent: shutdown\ndata: {}\n\n"


@pytest.mark.parametrize("settings", [{"max_streams": 2}, {"max_streams_per_client": 2}])
async def test_a_stream_above_the_limit_is_refused_until_another_ends(
    open_server: OpenServer, settings: dict[str, int]
) -> None:
    async with open_server(**settings) as server:
        async with server.stream("/api/v1/events"), server.stream("/api/v1/events"):
            refused = await server.client.get("/api/v1/events")
            head = await server.client.head("/api/v1/events")
        await server.until(lambda: len(server.app.state.streams) == 0)
        async with server.stream("/api/v1/events") as connection:
            await connection.read_chunks_until(b'{"runs":[]}\n\n')

    assert (refused.status_code, refused.json()["type"]) == (503, "/problems/too-many-streams")
    assert refused.headers["retry-after"] == "5"
    assert head.status_code == 200


async def test_the_streams_of_a_session_end_when_it_logs_out(open_server: OpenServer) -> None:
    own = {"sec_fetch_site": "same-origin"}
    async with open_server(token=TOKEN) as server:
        await server.client.post("/login", data={"token": TOKEN}, headers={"sec-fetch-site": "same-origin"})
        ((name, session),) = server.client.cookies.items()
        async with (
            server.stream("/api/v1/events", cookie=f"{name}={session}", **own) as one,
            server.stream("/api/v1/events", authorization=f"Bearer {TOKEN}") as other,
        ):
            await one.read_chunks_until(b'{"runs":[]}\n\n')
            await server.client.post("/logout", headers={"sec-fetch-site": "same-origin"})
            rest = await one.read_body()
            left = len(server.app.state.streams)
            other.close()

    assert (rest, left) == (b"", 1)


async def test_a_stream_ends_when_its_session_expires(open_server: OpenServer) -> None:
    limits = ServiceLimits(streams=StreamLimits(comment_interval_seconds=0.02))
    async with open_server(token=TOKEN, limits=limits) as server:
        sessions, now = server.app.state.authorizer.sessions, [0.0]
        sessions._clock = lambda: now[0]
        await server.client.post("/login", data={"token": TOKEN}, headers={"sec-fetch-site": "same-origin"})
        ((name, session),) = server.client.cookies.items()
        async with server.stream("/api/v1/events", cookie=f"{name}={session}") as connection:
            await connection.read_chunks_until(b'{"runs":[]}\n\n')
            now[0] = SESSION_SECONDS
            rest = await connection.read_body()

    assert rest.strip(b": \n") == b""


async def test_a_stream_that_begins_during_the_shutdown_ends_with_shutdown(open_server: OpenServer) -> None:
    async with open_server() as server:
        run_id, step = await server.begin()
        step.unkillable = True
        server.stop.set()
        await step.stop_requested.wait()

        async with server.stream(f"/api/v1/runs/{run_id}/events") as connection:
            body = await connection.read_body()
        start = await server.client.post("/api/v1/projects/handbook/runs")
        ready = await server.client.get("/readyz")
        step.end()

    assert body == b": ok\n\nretry: 1000\nevent: shutdown\ndata: {}\n\n"
    assert (start.status_code, ready.status_code) == (503, 503)
