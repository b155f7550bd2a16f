"""The client against a real service in its own process."""

import asyncio
import sys
from pathlib import Path

import pytest

from solorun.client import RunClient
from solorun.errors import (
    InvalidRequest,
    ProjectNotFound,
    RunActive,
    RunNotActive,
    RunNotFound,
)
from solorun.outcome import StopEffect
from solorun.record import Level
from solorun.status import Status
from tests.fakes.project_toml import project_toml
from tests.fakes.solorun_process import serving_here

TOML = (
    project_toml(
        "count", {"count": "seq 1 $SOLORUN_PARAM_TO; echo done > $SOLORUN_ARTIFACTS/result.txt"}, params=["to"]
    )
    + project_toml(
        "flaky",
        {
            "a": "echo made by a > $SOLORUN_WORKSPACE/result",
            "b": 'echo "$(cat $SOLORUN_WORKSPACE/result), rerun of $SOLORUN_RERUN_OF"; exit ${SOLORUN_PARAM_FAIL:-1}',
        },
        params=["fail"],
    )
    + project_toml("wait", {"wait": "echo waiting; sleep 60"}, cancel_grace="2s")
    + project_toml("tick", {"tick": "for n in $(seq 1 150); do echo tick $n; sleep 0.01; done"})
)


async def test_a_run_is_started_and_followed_and_its_artifact_downloaded(tmp_path: Path) -> None:
    async with serving_here(tmp_path, TOML) as url, RunClient(url) as client:
        started = await client.start_run("count", params={"to": "3"}, triggered_by="test")
        records = [record async for record in client.follow(started.id)]
        run = await client.wait_for_run(started.id)
        artifacts = await client.list_artifacts(run.id)
        await client.download_artifact(run.id, "result.txt", tmp_path / "result.txt")

    assert [record.message for record in records if record.event is None] == ["1", "2", "3"]
    assert run.status is Status.COMPLETED
    assert run.triggered_by == "test"
    assert [record.seq for record in records] == list(range(1, run.last_seq + 1))
    assert [artifact.name for artifact in artifacts.artifacts] == ["result.txt"]
    assert (tmp_path / "result.txt").read_text() == "done\n"


async def test_a_failed_run_is_repeated_from_its_failed_step(tmp_path: Path) -> None:
    async with serving_here(tmp_path, TOML) as url, RunClient(url) as client:
        failed = await client.wait_for_run((await client.start_run("flaky")).id)
        preview = await client.preview_rerun(failed.id, from_step="failed")
        rerun = await client.rerun(failed.id, from_step="failed", triggered_by="test", params={"fail": "0"})
        ended = await client.wait_for_run(rerun.id)
        reruns = [run async for run in client.list_runs(rerun_of=failed.id)]
        with pytest.raises(InvalidRequest, match="has no failed step"):
            await client.rerun(ended.id, from_step="failed")
        lines = [record.message async for record in client.follow(ended.id)]

    assert failed.status is Status.FAILED
    assert (preview.steps, [(step.name, step.run_id) for step in preview.skipped]) == (("b",), [("a", failed.id)])
    assert (ended.status, ended.rerun_of, ended.triggered_by) == (Status.COMPLETED, failed.id, "test")
    assert reruns == [ended]
    assert f"made by a, rerun of {failed.id}" in lines


async def test_a_hundred_thousand_lines_arrive_once_and_in_order(tmp_path: Path) -> None:
    async with serving_here(tmp_path, TOML) as url, RunClient(url) as client:
        run = await client.start_run("count", params={"to": "100000"})
        live = [record async for record in client.follow(run.id)]
        late = [record async for record in client.follow(run.id)]
        stored = [record async for batch in client.stream_log(run.id) for record in batch]
        tail = [record async for record in client.follow(run.id, tail=10)]

    assert [record.seq for record in live] == list(range(1, len(live) + 1))
    # On a machine that pauses in the middle of a line, the line becomes two records.
    assert "".join(record.message for record in live if record.event is None) == "".join(map(str, range(1, 100_001)))
    assert late == live
    assert stored == live
    assert tail == live[-10:]


async def test_a_cancel_can_end_the_grace_of_an_earlier_one(tmp_path: Path) -> None:
    steps = {"wait": "trap '' TERM; echo waiting; while :; do sleep 0.1; done"}
    toml = project_toml("stubborn", steps, cancel_grace="1h")
    async with serving_here(tmp_path, toml) as url, RunClient(url) as client:
        run = await client.start_run("stubborn")
        async for record in client.follow(run.id):
            if record.message == "waiting":
                break

        patient = await client.cancel_run(run.id)
        await client.cancel_run(run.id, grace_seconds=0)
        cancelled = await client.wait_for_run(run.id)

    assert patient.cancel is not None
    assert patient.cancel.grace_seconds == 3600
    assert cancelled.cancel is not None
    assert (cancelled.cancel.grace_seconds, cancelled.cancel.effect) == (0, StopEffect.KILLED)
    assert any("sh -c" in line for line in cancelled.cancel.position)


async def test_errors_of_the_service_are_raised_by_the_client(tmp_path: Path) -> None:
    async with serving_here(tmp_path, TOML) as url, RunClient(url) as client:
        active = await client.start_run("wait")
        with pytest.raises(RunActive) as conflict:
            await client.start_run("wait")
        with pytest.raises(ProjectNotFound):
            await client.start_run("nothing")
        with pytest.raises(InvalidRequest) as invalid:
            await client.start_run("count", scope="all", params={"from": "1"})
        with pytest.raises(RunNotFound):
            [record async for record in client.follow(4711)]
        await client.cancel_run(active.id)
        cancelled = await client.wait_for_run(active.id)
        again = await client.cancel_run(active.id)
        done = await client.wait_for_run((await client.start_run("count", params={"to": "1"})).id)
        with pytest.raises(RunNotActive) as ended:
            await client.cancel_run(done.id)

    assert conflict.value.active_run.id == active.id
    assert {fault.pointer for fault in invalid.value.errors} == {"/scope", "/params/from"}
    assert cancelled.status is again.status is Status.CANCELLED
    assert ended.value.run == done


async def test_runs_projects_and_logs_are_listed(tmp_path: Path) -> None:
    async with serving_here(tmp_path, TOML) as url, RunClient(url) as client:
        ids = [(await client.wait_for_run((await client.start_run("count", params={"to": "2"})).id)).id for _ in "123"]
        runs = [run async for run in client.list_runs("count", page_size=2)]
        failed = await client.list_run_page(statuses=[Status.FAILED, Status.CANCELLED])
        projects = await client.list_projects()
        project = await client.get_project("count")
        current = await client.get_current_run("count")
        page = await client.get_log_page(ids[0], after=0, step="count", level=Level.INFO, text="2")

    assert [run.id for run in runs] == ids[::-1]
    assert failed.runs == ()
    assert [project.name for project in projects.projects] == ["count", "flaky", "wait", "tick"]
    assert project.last_run == current == runs[0]
    assert "2" in [record.message for record in page.records]


CHANGING = project_toml("change", {"wait": "until [ -e go ]; do sleep 0.01; done", "speak": "echo old"})


async def test_an_active_run_keeps_its_configuration_and_the_next_one_uses_the_changed_file(tmp_path: Path) -> None:
    async with serving_here(tmp_path, CHANGING) as url, RunClient(url) as client:
        first = await client.start_run("change")
        (tmp_path / "solorun.toml").write_text(TOML + CHANGING.replace("echo old", "echo new"))
        await client.start_run("count", params={"to": "1"})  # declared only in the changed file
        (tmp_path / "go").touch()
        before = [record.message async for record in client.follow(first.id) if record.event is None]
        await client.wait_for_run(first.id)
        second = await client.start_run("change")
        after = [record.message async for record in client.follow(second.id) if record.event is None]

    assert before == ["old"]
    assert after == ["new"]


async def test_cancelling_one_stream_does_not_affect_others(tmp_path: Path) -> None:
    async with serving_here(tmp_path, TOML) as url, RunClient(url) as client:
        run = await client.start_run("tick")
        first = asyncio.create_task(_count(client, run.id))
        second = asyncio.create_task(_count(client, run.id))
        await anext(aiter(client.follow(run.id, after=20)))
        first.cancel()
        count = await asyncio.wait_for(second, 60)
        ended = await client.wait_for_run(run.id)

    assert first.cancelled()
    assert count == ended.last_seq


async def _count(client: RunClient, run_id: int) -> int:
    return len([record async for record in client.follow(run_id)])


STOPS_EARLY = """
import asyncio, sys
from solorun import RunClient

async def main():
    async with RunClient(sys.argv[1]) as client:
        run = await client.start_run("count", params={"to": "100000"})
        async for record in client.follow(run.id):
            STOP
        async for batch in client.stream_log(run.id):
            break

asyncio.run(main())
"""


@pytest.mark.parametrize("stop", ["break", "sys.exit(0)"])
async def test_a_program_that_stops_reading_a_stream_exits_without_warnings(tmp_path: Path, stop: str) -> None:
    async with serving_here(tmp_path, TOML) as url:
        program = await asyncio.create_subprocess_exec(
            *(sys.executable, "-W", "error", "-c", STOPS_EARLY.replace("STOP", stop), url),
            stderr=asyncio.subprocess.PIPE,
        )
        _, errors = await asyncio.wait_for(program.communicate(), 60)

    assert errors == b""
    assert program.returncode == 0
