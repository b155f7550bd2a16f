"""Event streams on a real socket: their exact bytes, resuming, and idle streams."""

import asyncio
import json
from typing import Any

import httpx_sse
import pytest

from solorun.http.event_stream import EventStream, StreamLimits
from solorun.record import Stream
from solorun.run import Run
from solorun.service import ServiceLimits
from solorun.wire.encoding import encode
from tests.fakes.http_server import LiveServer, OpenServer


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


async def test_idle_checks_of_streams_share_a_wake_up_on_whole_seconds(
    open_server: OpenServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, dues = asyncio.get_running_loop(), list[float]()
    call_at = loop.call_at

    def note(when: float, callback: Any, *args: Any, **kwargs: Any) -> asyncio.TimerHandle:
        dues.extend([when] * (getattr(callback, "__module__", None) == EventStream.__module__))
        return call_at(when, callback, *args, **kwargs)

    monkeypatch.setattr(loop, "call_at", note)
    async with open_server() as server, server.stream("/api/v1/events") as one, server.stream("/api/v1/events") as two:
        await one.read_chunks_until(b"]}\n\n")
        await two.read_chunks_until(b"]}\n\n")

    assert len(dues) == 2
    assert all(due == int(due) for due in dues)


@pytest.mark.parametrize("path", ["/api/v1/events", "/api/v1/runs/1/events"])
async def test_a_head_of_a_stream_ends_immediately(open_server: OpenServer, path: str) -> None:
    async with open_server() as server:
        await server.begin()

        response = await server.client.head(path)

    assert (response.status_code, response.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
