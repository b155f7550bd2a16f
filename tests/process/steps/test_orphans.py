"""Whose processes are ended when a runner or a service has gone, and whose are not."""

import asyncio
import os
import subprocess
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path

import pytest

from solorun.steps import StepDispatcher, orphans
from tests.process.steps.conftest import Begin
from tests.process.steps.processes import eventually, noted_pids, runners, survivors

Bystander = Callable[[Mapping[str, str]], Awaitable[subprocess.Popen[bytes]]]


@pytest.fixture
def bystander() -> Iterator[Bystander]:
    """Starts a process in a session of its own, as a coroutine step might."""
    started: list[subprocess.Popen[bytes]] = []

    async def bystander(environ: Mapping[str, str]) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(["sleep", "60"], env=environ, start_new_session=True)
        started.append(process)
        await eventually(Path(f"/proc/{process.pid}/environ").read_bytes)  # in the middle of an exec it is empty
        return process

    yield bystander
    for process in started:
        process.kill()
        process.wait()


@pytest.mark.parametrize("environ", [os.environ, {"SOLORUN_RUN_ID": "8"}], ids=["the service's own", "another run's"])
async def test_a_lost_runner_does_not_cost_other_children_of_the_service_their_lives(
    begin: Begin, bystander: Bystander, environ: Mapping[str, str]
) -> None:
    other = await bystander(environ)
    begun = await begin("sh leaf.sh")
    await eventually(lambda: noted_pids(begun.directory))

    os.kill(runners(begun.directory)[0], 9)
    await begun.execution.wait()

    assert survivors(begun.directory) == []
    assert other.poll() is None


async def test_a_runner_that_is_lost_in_the_middle_of_a_stop_leaves_nobody(begin: Begin) -> None:
    begun = await begin("trap '' TERM; setsid sh leaf.sh & sh leaf.sh; sh leaf.sh")
    await eventually(lambda: len(noted_pids(begun.directory)) == 2)

    stopping = asyncio.create_task(begun.execution.stop(60))
    await asyncio.sleep(0)
    os.kill(runners(begun.directory)[0], 9)

    assert not (await stopping).succeeded
    assert await begun.execution.stop(1) == await stopping
    assert survivors(begun.directory) == []


async def test_a_runner_that_is_lost_after_its_command_does_not_change_the_result(begin: Begin) -> None:
    begun = await begin("sh leaf.sh & until [ -s pids ]; do sleep 0.01; done; exit 3")
    await eventually(lambda: begun.execution.result)

    os.kill(runners(begun.directory)[0], 9)
    result = await begun.execution.wait()

    assert result.exit_code == 3
    assert survivors(begun.directory) == []


async def test_without_proc_the_process_group_of_a_lost_runner_is_ended(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orphans, "HAS_PROC", False)
    monkeypatch.setattr(orphans, "list_processes", list)
    begun = await begin("sh leaf.sh & sh leaf.sh")
    await eventually(lambda: len(noted_pids(begun.directory)) == 2)
    [runner] = runners(begun.directory)
    await eventually(lambda: "poll" in Path(f"/proc/{runner}/wchan").read_text())  # it has told whom it started

    os.kill(runner, 9)
    await begun.execution.wait()

    await eventually(lambda: not survivors(begun.directory))


async def test_an_orphan_of_a_lost_runner_that_cannot_be_ended_keeps_the_step_active_with_a_warning(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orphans, "_UNKILLABLE_AFTER_SECONDS", 0.0)
    monkeypatch.setattr(orphans, "send", lambda pid, signum: False)
    monkeypatch.setattr(orphans, "kill_all", lambda processes, spared_group: None)
    begun = await begin(("sh", "leaf.sh"))
    await eventually(lambda: noted_pids(begun.directory))
    [orphan] = noted_pids(begun.directory)

    os.kill(runners(begun.directory)[0], 9)
    await eventually(begun.output.warnings)
    assert begun.execution.result is None
    os.kill(orphan, 9)
    await begun.execution.wait()

    assert begun.output.warnings() == [f"process {orphan} (sleep) cannot be ended; waiting for it"]


@pytest.mark.parametrize("artifacts", ["other/artifacts/7", "data/artifacts/70", "data-of-another/artifacts/7"])
async def test_the_same_run_number_of_another_service_is_not_ours(
    step_runner: StepDispatcher, bystander: Bystander, tmp_path: Path, artifacts: str
) -> None:
    other = await bystander({"SOLORUN_RUN_ID": "7", "SOLORUN_ARTIFACTS": str(tmp_path / artifacts)})

    await step_runner.kill_orphans(7)

    assert other.poll() is None


async def test_what_cannot_be_ended_is_named_and_waited_for(
    step_runner: StepDispatcher,
    bystander: Bystander,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(orphans, "_UNKILLABLE_AFTER_SECONDS", 0.0)
    monkeypatch.setattr(orphans, "send", lambda pid, signum: False)
    monkeypatch.setattr(orphans, "kill_all", lambda processes, spared_group: None)
    unkillable = await bystander({"SOLORUN_RUN_ID": "7", "SOLORUN_ARTIFACTS": str(tmp_path / "data/artifacts/7")})

    ending = asyncio.create_task(step_runner.kill_orphans(7))
    await eventually(lambda: caplog.records)
    assert not ending.done()
    unkillable.kill()
    await ending

    assert caplog.messages == [f"of run 7: process {unkillable.pid} (sleep) cannot be ended; waiting for it"]
