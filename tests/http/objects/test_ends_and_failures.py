"""Runs that are stopped, deletions, and a bucket that does not answer."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from solorun.artifacts import object_store
from solorun.status import Status, StepStatus
from tests.fakes.application import OpenServed
from tests.fakes.project_toml import project_toml
from tests.fakes.s3_server import ENVIRON, SECRET
from tests.http.objects.answers import messages, names, runs_with_files


@pytest.fixture
def silent_address() -> Iterator[str]:
    """A server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


async def test_a_cancelled_run_uploads_what_it_left(open_served: OpenServed, settings: dict[str, Any]) -> None:
    async with open_served(**settings) as served:
        run_id, step = await served.begin()
        (step.context.artifacts / "partial.txt").write_text("half")

        await served.client.post(f"/api/v1/runs/{run_id}/cancel")
        run = await served.end_of(run_id)

        assert (run.status, await names(served, run_id)) == (Status.CANCELLED, ["partial.txt"])


async def test_a_service_that_shuts_down_uploads_what_its_runs_left(
    open_served: OpenServed, settings: dict[str, Any]
) -> None:
    async with open_served(**settings) as served:
        run_id, step = await served.begin()
        (step.context.artifacts / "partial.txt").write_text("half")
    async with open_served(**settings) as served:
        run = await served.service.store.get_run(run_id)

        assert (run.status, await names(served, run_id)) == (Status.INTERRUPTED, ["partial.txt"])


async def test_deleted_runs_leave_no_objects(open_served: OpenServed, settings: dict[str, Any]) -> None:
    toml = """
[projects.deploy]
keep = { runs = 1 }
[[projects.deploy.steps]]
name = "deploy"
run = "true"
"""
    async with open_served(toml=toml, **settings) as served:
        runs = []
        for _ in range(2):
            run_id, step = await served.begin()
            (step.context.artifacts / "a.bin").write_bytes(bytes(1000))
            step.end()
            runs.append((await served.end_of(run_id)).id)

        planned = await served.service.pruner.plan()
        await served.service.pruner.prune()

        sizes = await served.service.artifacts.measure(runs)

    assert planned.size_bytes >= 1000
    assert sizes == {runs[0]: 0, runs[1]: 1000}


async def test_ids_continue_above_those_in_the_bucket(
    open_served: OpenServed, settings: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    async with open_served(**settings) as served:
        for _ in range(3):
            run_id, step = await served.begin()
            (step.context.artifacts / "a").write_text("x")
            step.end()
            await served.end_of(run_id)
    async with open_served(data_dir=served.service.directory.path.with_name("new"), **settings) as served:
        run = await served.start()
        (await served.executor.step("deploy")).end()
        await served.end_of(run["id"])

    assert run["id"] == 4
    assert "The database is older than the artifacts: ids continue above 3" in caplog.text


async def test_the_credentials_are_masked_in_logs(open_served: OpenServed, settings: dict[str, Any]) -> None:
    async with open_served(**settings) as served:
        run = await served.complete(lines=[f"the key is {SECRET}"])

        assert await messages(served, run.id, "info")
        text = (await served.client.get(f"/api/v1/runs/{run.id}/log.txt")).text

    assert "the key is ***" in text
    assert SECRET not in text


async def test_without_the_bucket_a_run_goes_on_and_names_the_files(
    open_served: OpenServed, unreachable: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    async with open_served(**unreachable) as served:
        run_id, step = await served.begin("handbook", "extract")
        for number in range(30):
            (step.context.artifacts / f"{number:02}").write_text("x")
        step.end()
        (await served.executor.step("generate")).end()
        run = await served.end_of(run_id)

        kept = runs_with_files(served)
        warnings = await messages(served, run_id)
        answers = [
            await served.client.get(f"/api/v1/runs/{run_id}/{path}")
            for path in ("artifacts", "artifacts/00", "artifacts.zip")
        ]

    named = ", ".join(f"{number:02}" for number in range(20))
    assert (run.status, kept) == (Status.COMPLETED, [str(run_id)])
    assert warnings == [f"not uploaded as artifacts (the connection failed): {named} and 10 more"] * 2
    assert [answer.status_code for answer in answers] == [503] * 3
    assert {answer.json()["type"] for answer in answers} == {"/problems/store-unavailable"}
    assert "The artifact store cannot be used: the connection failed." in caplog.text
    assert SECRET not in caplog.text


async def test_a_cancel_does_not_wait_for_a_silent_bucket(
    open_served: OpenServed, silent_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_store, "ANSWER_SECONDS", 0.1)
    environ = {**ENVIRON, "AWS_ENDPOINT_URL": silent_address}
    async with open_served(artifact_store="s3://solorun", environ=environ) as served:
        run_id, step = await served.begin()
        (step.context.artifacts / "a.txt").write_text("x")
        step.end()

        answer = await served.client.post(f"/api/v1/runs/{run_id}/cancel", json={"grace_seconds": 0})
        run = await served.end_of(run_id)
        listed = await served.client.get(f"/api/v1/runs/{run_id}/artifacts")

        warnings = await messages(served, run_id)

    assert answer.status_code == 202
    assert run.status is Status.CANCELLED
    assert [(step.name, step.status) for step in run.steps] == [("deploy", StepStatus.COMPLETED)]
    assert warnings[-1] == "not uploaded as artifacts (the run had to stop): a.txt"
    assert listed.status_code == 503


async def test_a_run_that_times_out_while_it_uploads_has_not_completed(
    open_served: OpenServed, silent_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_store, "ANSWER_SECONDS", 0.1)
    environ = {**ENVIRON, "AWS_ENDPOINT_URL": silent_address}
    toml = project_toml("deploy", {"deploy": ["true"]}, timeout="500ms")
    async with open_served(toml=toml, artifact_store="s3://solorun", environ=environ) as served:
        run_id, step = await served.begin()
        (step.context.artifacts / "a.txt").write_text("x")
        step.end()

        run = await served.end_of(run_id)

    assert (run.status, run.error_message) == (Status.FAILED, "the run timed out after 500ms")
