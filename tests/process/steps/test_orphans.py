"""Which processes are killed after the loss of a shim or a service, and which are not."""

import asyncio
import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from solorun.steps import StepDispatcher
from solorun.steps.command_limits import CommandLimits
from solorun.steps.orphans import OrphanProcesses, select_by_environment
from solorun.steps.shim import processes as process_table
from tests.process.steps.conftest import Begin, Bystander
from tests.process.steps.processes import eventually, noted_pids, shims, survivors

CAN_MOUNT = subprocess.run(["unshare", "--map-root-user", "--mount", "true"], check=False).returncode == 0


@pytest.mark.parametrize("environ", [os.environ, {"SOLORUN_RUN_ID": "8"}], ids=["the service's own", "another run's"])
async def test_losing_a_shim_does_not_kill_other_children_of_the_service(
    begin: Begin, bystander: Bystander, environ: Mapping[str, str]
) -> None:
    other = await bystander(environ)
    begun = await begin("sh leaf.sh")
    await eventually(lambda: noted_pids(begun.directory))

    os.kill(shims(begun.directory)[0], 9)
    await begun.execution.wait()

    assert survivors(begun.directory) == []
    assert other.poll() is None


async def test_losing_a_shim_during_a_stop_leaves_no_process(begin: Begin) -> None:
    begun = await begin("trap '' TERM; setsid sh leaf.sh & sh leaf.sh; sh leaf.sh")
    await eventually(lambda: len(noted_pids(begun.directory)) == 2)

    stopping = asyncio.create_task(begun.execution.stop(60))
    await asyncio.sleep(0)
    os.kill(shims(begun.directory)[0], 9)

    assert not (await stopping).succeeded
    assert await begun.execution.stop(1) == await stopping
    assert survivors(begun.directory) == []


async def test_losing_a_shim_after_its_command_exited_does_not_change_the_result(begin: Begin) -> None:
    begun = await begin("sh leaf.sh & until [ -s pids ]; do sleep 0.01; done; exit 3")
    await eventually(lambda: begun.execution.result)

    os.kill(shims(begun.directory)[0], 9)
    result = await begun.execution.wait()

    assert result.exit_code == 3
    assert survivors(begun.directory) == []


async def test_without_proc_the_process_group_is_killed_when_the_shim_is_lost(
    bystander: Bystander, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def warn(message: str) -> None:
        raise AssertionError(message)

    monkeypatch.setattr("solorun.steps.orphans.HAS_PROC", False)
    command = await bystander(os.environ, f"cd {tmp_path}; sleep 60 & sleep 60")
    await eventually(lambda: len(survivors(tmp_path)) == 3)

    await OrphanProcesses(select_by_environment(tmp_path, 7), warn, session=command.pid).kill()

    assert command.wait(30) == -signal.SIGKILL
    await eventually(lambda: not survivors(tmp_path))


@pytest.mark.parametrize("limits", [CommandLimits(unkillable_after_seconds=0.0)])
async def test_an_unkillable_orphan_keeps_the_step_active_with_a_warning(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_table, "send", lambda pid, signum: False)
    monkeypatch.setattr(process_table, "kill_all", lambda processes, spared_group: None)
    begun = await begin(("sh", "leaf.sh"))
    await eventually(lambda: noted_pids(begun.directory))
    [orphan] = noted_pids(begun.directory)

    os.kill(shims(begun.directory)[0], 9)
    await eventually(begun.output.warnings)
    assert begun.execution.result is None
    os.kill(orphan, 9)
    await begun.execution.wait()

    assert begun.output.warnings() == [f"process {orphan} (sleep) cannot be killed; waiting for it"]


@pytest.mark.parametrize("artifacts", ["other/artifacts/7", "data/artifacts/70", "data-of-another/artifacts/7"])
async def test_a_run_with_the_same_id_in_another_service_is_left_alone(
    dispatcher: StepDispatcher, bystander: Bystander, tmp_path: Path, artifacts: str
) -> None:
    other = await bystander({"SOLORUN_RUN_ID": "7", "SOLORUN_ARTIFACTS": str(tmp_path / artifacts)})

    await dispatcher.kill_orphans(7)

    assert other.poll() is None


@pytest.mark.skipif(not CAN_MOUNT, reason="bind mounts require user namespaces")
async def test_recovery_recognizes_the_directory_of_a_run_under_another_path(
    dispatcher: StepDispatcher, bystander: Bystander, tmp_path: Path
) -> None:
    (tmp_path / "data" / "artifacts" / "7").mkdir(parents=True)
    (tmp_path / "mounted").mkdir()
    orphan = await bystander(
        {**os.environ, "SOLORUN_RUN_ID": "7", "SOLORUN_ARTIFACTS": str(tmp_path / "mounted/artifacts/7")},
        f"exec unshare --map-root-user --mount sh -c 'mount --bind {tmp_path}/data {tmp_path}/mounted; exec sleep 60'",
    )
    await eventually(
        lambda: (Path("/proc", str(orphan.pid), "root", *tmp_path.parts[1:]) / "mounted/artifacts").exists()
    )

    await dispatcher.kill_orphans(7)

    assert not Path("/proc", str(orphan.pid)).exists()


@pytest.mark.parametrize("limits", [CommandLimits(unkillable_after_seconds=0.0)])
async def test_recovery_names_an_unkillable_process_and_waits_for_it(
    dispatcher: StepDispatcher,
    bystander: Bystander,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(process_table, "send", lambda pid, signum: False)
    monkeypatch.setattr(process_table, "kill_all", lambda processes, spared_group: None)
    unkillable = await bystander({"SOLORUN_RUN_ID": "7", "SOLORUN_ARTIFACTS": str(tmp_path / "data/artifacts/7")})

    ending = asyncio.create_task(dispatcher.kill_orphans(7))
    await eventually(lambda: caplog.records)
    assert not ending.done()
    unkillable.kill()
    await ending

    assert caplog.messages == [f"run 7: process {unkillable.pid} (sleep) cannot be killed; waiting for it"]
