"""The header Idempotency-Key of a start."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.fakes.application import OpenServed, Served
from tests.fakes.project_toml import project_toml

RUNS = "/api/v1/projects/handbook/runs"
KEY = {"Idempotency-Key": "0197f2b4-6c1e-7d5a"}


async def start(served: Served, key: str, json: object = None, *, project: str = "handbook") -> httpx.Response:
    path = f"/api/v1/projects/{project}/runs"
    return await served.client.post(path, headers={"Idempotency-Key": key}, json={} if json is None else json)


async def test_a_repeated_start_is_answered_with_the_same_run(open_served: OpenServed) -> None:
    async with open_served() as served:
        first = await served.client.post(RUNS, headers=KEY)
        again = await served.client.post(RUNS, headers=KEY)

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["id"] == again.json()["id"]
    assert first.headers["location"] == again.headers["location"]
    assert [response.headers.get("idempotent-replayed") for response in (first, again)] == [None, "true"]
    assert [response.json()["replayed"] for response in (first, again)] == [False, True]


async def test_a_start_that_is_repeated_after_its_run_has_ended_returns_the_ended_run(open_served: OpenServed) -> None:
    async with open_served() as served:
        first = await served.client.post(RUNS, headers=KEY)
        (await served.executor.step("extract")).end("broken", 1)
        await served.end_of(first.json()["id"])

        again = await served.client.post(RUNS, headers=KEY)

    assert (again.status_code, again.json()["id"], again.json()["status"]) == (201, first.json()["id"], "failed")


@pytest.mark.parametrize(("policy", "status"), [("queue", 202), ("replace", 201)])
async def test_a_repeated_start_has_the_status_of_the_first_response(
    open_served: OpenServed, policy: str, status: int
) -> None:
    async with open_served() as served:
        _, step = await served.begin("handbook", "extract")
        first = await start(served, "a", {"on_conflict": policy})
        step.end("broken", 1)
        await served.executor.step("extract")

        again = await start(served, "a", {"on_conflict": policy})

    assert (first.status_code, again.status_code) == (status, status)
    assert again.json()["id"] == first.json()["id"]
    assert (first.json()["status"], again.json()["status"]) == ("queued", "running")


@pytest.mark.parametrize("path", ["/api/v1/projects/deploy/runs", "/api/v1/runs/1/rerun"])
async def test_a_key_whose_run_was_deleted_starts_no_second_run(
    open_served: OpenServed, tmp_path: Path, path: str
) -> None:
    async with open_served() as served:
        await served.complete()
        second = await served.client.post(path, headers=KEY)
        (await served.executor.step("deploy")).end()
        await served.end_of(second.json()["id"])
        with closing(sqlite3.connect(tmp_path / "data" / "solorun.db")) as connection, connection:
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("DELETE FROM runs WHERE id = 2")

        again = await served.client.post(path, headers=KEY)

    assert (again.status_code, again.json()["type"]) == (404, "/problems/run-not-found")


async def test_simultaneous_requests_with_one_key_are_answered_with_one_run(open_served: OpenServed) -> None:
    async with open_served() as served:
        answers = await asyncio.gather(*(served.client.post(RUNS, headers=KEY) for _ in range(50)))

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1


async def test_a_start_without_a_key_is_refused_while_the_run_is_active(open_served: OpenServed) -> None:
    async with open_served() as served:
        await served.client.post(RUNS, headers=KEY)

        assert (await served.client.post(RUNS)).status_code == 409
        assert (await start(served, "another")).status_code == 409


@pytest.mark.parametrize(
    "body",
    [{"scope": "extract"}, {"triggered_by": "nightly"}, {"params": {"date": "2026-08-02"}}],
)
async def test_another_body_with_a_used_key_is_refused(open_served: OpenServed, body: object) -> None:
    async with open_served() as served:
        await start(served, "nightly", {"params": {"date": "2026-08-01"}})

        response = await start(served, "nightly", body)

    problem = response.json()
    assert (response.status_code, problem["type"]) == (422, "/problems/idempotency-key-reused")
    assert problem["detail"] == "This idempotency key was used for another request, which led to run 1."


async def test_bodies_that_mean_the_same_are_the_same_request(open_served: OpenServed) -> None:
    async with open_served() as served:
        first = await start(served, "nightly", {"params": {"date": "2026-08-01"}})
        again = await start(
            served, "nightly", {"triggered_by": "api", "params": {"date": "2026-08-01"}, "scope": "full"}
        )

    assert first.json()["id"] == again.json()["id"]


async def test_projects_do_not_share_keys(open_served: OpenServed) -> None:
    async with open_served() as served:
        first = await start(served, "nightly")
        other = await start(served, "nightly", project="deploy")

    assert (first.status_code, other.status_code) == (201, 201)
    assert first.json()["id"] != other.json()["id"]


async def test_a_repeated_rerun_is_answered_with_the_same_run(open_served: OpenServed) -> None:
    async with open_served() as served:
        original = await served.complete()
        path = f"/api/v1/runs/{original.id}/rerun"

        first = await served.client.post(path, headers=KEY)
        again = await served.client.post(path, headers=KEY)
        start_with_its_key = await served.client.post("/api/v1/projects/deploy/runs", headers=KEY)

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["id"] == again.json()["id"] == original.id + 1
    assert [response.headers.get("idempotent-replayed") for response in (first, again)] == [None, "true"]
    assert start_with_its_key.json()["type"] == "/problems/idempotency-key-reused"


@pytest.mark.parametrize(
    ("key", "same_key"),
    [("nightly", '"nightly"'), ("nightly", '  "nightly" '), (r"a\b\"c", r'"a\\b\\\"c"'), ("x" * 255, f'"{"x" * 255}"')],
)
async def test_a_key_may_be_quoted(open_served: OpenServed, key: str, same_key: str) -> None:
    async with open_served() as served:
        first = await start(served, key)
        again = await start(served, same_key)

    assert first.json()["id"] == again.json()["id"]


@pytest.mark.parametrize(
    "key", ["", '""', " ", "two words", '"two words"', '"open', '"a"b"', r'"\x"', '"a";p=1', "x" * 256, "schlüssel"]
)
async def test_a_malformed_key_is_refused(open_served: OpenServed, key: str) -> None:
    async with open_served() as served:
        response = await served.client.post(RUNS, headers=[(b"Idempotency-Key", key.encode("latin-1"))])

        problem = response.json()
        assert (response.status_code, problem["type"]) == (422, "/problems/invalid-request")
        assert [error["pointer"] for error in problem["errors"]] == ["Idempotency-Key"]
        assert (await served.client.get("/api/v1/runs")).json()["runs"] == []


async def test_a_repeated_header_is_refused(open_served: OpenServed) -> None:
    async with open_served() as served:
        response = await served.client.post(RUNS, headers=[("Idempotency-Key", "one"), ("Idempotency-Key", "two")])

    assert (response.status_code, response.json()["type"]) == (400, "/problems/repeated-header")


async def test_the_database_holds_neither_the_key_nor_a_secret_of_the_request(
    open_served: OpenServed, tmp_path: Path
) -> None:
    toml = project_toml(
        "handbook", {"extract": ["true"]}, params=["date"], env={"CODE": "open-sesame-7"}, secrets=["CODE"]
    )
    async with open_served(toml=toml) as served:
        await start(served, "one-of-a-kind", {"params": {"date": "open-sesame-7"}})
        stored = b"".join(file.read_bytes() for file in (tmp_path / "data").glob("solorun.db*"))

    assert b"idempotency_keys" in stored
    assert b"one-of-a-kind" not in stored
    assert b"open-sesame-7" not in stored
