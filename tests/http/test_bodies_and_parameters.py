"""Bodies and parameters of requests: what is accepted, and how every error is reported together."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.fakes.application import OpenServed, Served

START = "/api/v1/projects/handbook/runs"


def pointers(problem: dict[str, Any]) -> set[str]:
    return {fault["pointer"] for fault in problem["errors"]}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"scop": "full"}, {"/scop"}),
        (
            {"scope": 1, "triggered_by": "", "params": {"date": 5}, "x/y~z": 1},
            {"/scope", "/triggered_by", "/params/date", "/x~1y~0z"},
        ),
        ({"scope": None}, {"/scope"}),
        ({"triggered_by": "a\nb"}, {"/triggered_by"}),
        ({"triggered_by": "x" * 65}, {"/triggered_by"}),
        ({"params": []}, {"/params"}),
        ({"scope": "nothing"}, {"/scope"}),
        ({"scope": "from:full"}, {"/scope"}),
        ({"params": {"colour": "red"}}, {"/params/colour"}),
        (
            {"scope": "nothing", "params": {"colour": "red", "date": "x" * 5000}},
            {"/scope", "/params/colour", "/params/date"},
        ),
    ],
)
async def test_every_error_in_a_body_is_reported_with_its_pointer(
    open_served: OpenServed, body: dict[str, Any], expected: set[str]
) -> None:
    async with open_served() as served:
        response = await served.client.post(START, json=body)

    problem = response.json()
    assert (response.status_code, problem["type"]) == (422, "/problems/invalid-request")
    assert pointers(problem) == expected
    assert all(fault["message"] for fault in problem["errors"])


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"null",
        b'"full"',
        b"{",
        b"nonsense",
        b"{'scope': 'full'}",
        b'{"scope": "full"} trailing',
        b"\xef\xbb\xbf{}",
        b'{"scope": "\xff"}',
        b'{"scope": "\\ud800"}',
        b'{"scope": 1e999}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"\x00",
    ],
    ids=range(14),
)
async def test_a_body_that_is_not_a_json_object_is_refused(open_served: OpenServed, body: bytes) -> None:
    async with open_served() as served:
        response = await served.client.post(START, content=body, headers={"content-type": "application/json"})
        alive = await served.client.get("/livez")

    assert (response.status_code, response.json()["type"]) == (422, "/problems/invalid-request")
    assert response.json()["errors"]
    assert alive.status_code == 200


@pytest.mark.parametrize("media_type", ["application/json; charset=utf-8", "Application/JSON", " application/json"])
async def test_a_media_type_may_have_parameters_and_any_case(open_served: OpenServed, media_type: str) -> None:
    async with open_served() as served:
        response = await served.client.post(START, content=b"{}", headers={"content-type": media_type})

    assert response.status_code == 201


async def test_the_last_of_two_duplicate_members_wins(open_served: OpenServed) -> None:
    async with open_served() as served:
        response = await served.client.post(
            START, content=b'{"scope":"full","scope":"extract"}', headers={"content-type": "application/json"}
        )

    assert response.json()["scope"] == "extract"


async def test_a_large_body_without_a_length_is_cut_off(open_served: OpenServed) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b" " * 65536

    async with open_served() as served:
        response = await served.client.post(START, content=endless(), headers={"content-type": "application/json"})

    assert (response.status_code, response.json()["type"]) == (413, "/problems/too-large")
    assert response.headers["connection"] == "close"


async def test_a_body_in_several_pieces_is_joined(open_served: OpenServed) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for piece in (b'{"scope":', b'"ext', b'ract"}'):
            yield piece

    async with open_served() as served:
        response = await served.client.post(START, content=pieces(), headers={"content-type": "application/json"})

    assert response.json()["scope"] == "extract"


@pytest.mark.parametrize("length", ["1048577", "99999999999999999999", "12345678"])
async def test_a_body_announced_as_too_large_is_not_read(open_served: OpenServed, length: str) -> None:
    async with open_served() as served:
        response = await served.client.post(START, content=b"{}", headers={"content-length": length})

    assert response.status_code == 413


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("/api/v1/runs?limit=0", {"?limit"}),
        ("/api/v1/runs?limit=1001", {"?limit"}),
        ("/api/v1/runs?limit=ten&status=done", {"?limit", "?status"}),
        ("/api/v1/runs?limit=1&limit=2", {"?limit"}),
        ("/api/v1/runs?limit=", {"?limit"}),
        ("/api/v1/runs?limit=1e2", {"?limit"}),
        ("/api/v1/runs?limit=%2B5", {"?limit"}),
        ("/api/v1/runs?limit=%D9%A3", {"?limit"}),
        ("/api/v1/runs?project=x&q=y", {"?project", "?q"}),
        ("/api/v1/runs?" + "&".join(["a=b"] * 200), {"?"}),
        ("/api/v1/runs/1/log?level=loud&limit=5000&after=-1&before=x", {"?level", "?limit", "?after", "?before"}),
        ("/api/v1/runs/1/log?after=9999999999999999999", {"?after"}),
        ("/api/v1/runs/1/log?q=" + "x" * 1001, {"?q"}),
        ("/api/v1/runs/1/events?tail=-1&batch=perhaps", {"?tail", "?batch"}),
        ("/api/v1/events?follow=1", {"?follow"}),
        ("/api/v1/events?follow=1:x", {"?follow"}),
        ("/api/v1/events?" + "&".join(f"follow={run}:0" for run in range(1, 22)), {"?follow"}),
        ("/livez?verbose", {"?verbose"}),
    ],
)
async def test_every_error_in_the_parameters_is_reported(
    open_served: OpenServed, address: str, expected: set[str]
) -> None:
    async with open_served() as served:
        response = await served.client.get(address)

    assert (response.status_code, response.json()["type"]) == (422, "/problems/invalid-request")
    assert pointers(response.json()) == expected


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("/api/v1/runs?status=done", "cancelled, completed, failed, interrupted, pending, queued, running"),
        ("/api/v1/runs/1/log?level=loud", "debug, error, info, warning"),
    ],
)
async def test_an_invalid_enum_value_is_refused_with_the_allowed_values(
    open_served: OpenServed, address: str, words: str
) -> None:
    async with open_served() as served:
        response = await served.client.get(address)

    assert [fault["message"] for fault in response.json()["errors"]] == [f"must be one of {words}"]


async def test_a_stream_follows_each_run_only_once(open_served: OpenServed) -> None:
    async with open_served() as served:
        run = await served.complete()

        response = await served.client.get(f"/api/v1/events?follow={run.id}:0&follow={run.id}:3")

        assert pointers(response.json()) == {"?follow"}


async def test_a_stream_of_an_unknown_run_is_not_found(open_served: OpenServed) -> None:
    async with open_served() as served:
        response = await served.client.get("/api/v1/events?follow=7:0")

    assert (response.status_code, response.json()["type"]) == (404, "/problems/run-not-found")


@pytest.mark.parametrize("text", ["-1", "+1", "1.0", "x", " 1 x", "٣", "1,2", "0x1", "1\t"])
@pytest.mark.parametrize("where", ["header", "after"])
async def test_a_malformed_last_event_id_is_refused(open_served: OpenServed, text: str, where: str) -> None:
    async with open_served() as served:
        run = await served.complete()

        response = await _events(served, run.id, text, where)

        assert (response.status_code, response.json()["type"]) == (400, "/problems/invalid-last-event-id")


async def _events(served: Served, run_id: int, text: str, where: str) -> Any:
    if where == "after":
        return await served.client.get(f"/api/v1/runs/{run_id}/events", params={"after": text})
    return await served.client.get(f"/api/v1/runs/{run_id}/events", headers={b"last-event-id": text.encode()})


@pytest.mark.parametrize("caller", ["\U000cd8f1 ā", "a b", "cron\u202e"])
async def test_a_caller_may_be_any_line_that_the_document_allows(open_served: OpenServed, caller: str) -> None:
    async with open_served() as served:
        run = await served.start(triggered_by=caller)

        assert run["triggered_by"] == caller


@pytest.mark.parametrize("caller", ["", "a\n", "a\nb", "a\x85b", "a\u2028b", "x" * 65])
async def test_a_caller_with_several_lines_is_refused(open_served: OpenServed, caller: str) -> None:
    async with open_served() as served:
        started = await served.client.post("/api/v1/projects/deploy/runs", json={"triggered_by": caller})
        run_id, _ = await served.begin()
        cancelled = await served.client.post(f"/api/v1/runs/{run_id}/cancel", json={"requested_by": caller})

        assert (started.status_code, cancelled.status_code) == (422, 422)


@pytest.mark.parametrize("value", [1, "text"])
async def test_at_most_100_errors_are_reported(open_served: OpenServed, value: Any) -> None:
    params = {f"p{number}": value for number in range(50_000)}
    async with open_served() as served:
        response = await served.client.post("/api/v1/projects/deploy/runs", json={"params": params})

    assert response.status_code == 422
    assert len(response.json()["errors"]) == 100
    assert len(response.content) < 50_000


async def test_a_scope_of_any_length_gets_a_short_answer(open_served: OpenServed) -> None:
    async with open_served() as served:
        response = await served.client.post("/api/v1/projects/deploy/runs", json={"scope": "x" * 500_000})

    assert response.status_code == 422
    assert len(response.content) < 2_000
