"""The dashboard's event stream on a real socket: the states of all runs, and the records of followed ones."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from solorun.record import Stream
from tests.fakes.http_server import Connection, OpenServer

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
