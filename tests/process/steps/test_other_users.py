"""Processes that Solorun may not signal, because they belong to another user."""

import asyncio
import os
import shutil
import signal
import sys
from pathlib import Path

import pytest

from solorun.outcome import StepResult
from solorun.steps.shim_process import SHIM_PROGRAM
from tests.process.steps.conftest import Begin
from tests.process.steps.processes import eventually, noted_pids
from tests.process.steps.shims import StartShim

MAY_NOT_KILL = ("setpriv", "--bounding-set=-kill", "--inh-caps=-kill")
OTHER_USER = "exec setpriv --reuid 65534 --clear-groups sh leaf.sh"
needs_another_user = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("setpriv") is None,
    reason="switching to another user requires root and setpriv (apt-get install util-linux)",
)


@needs_another_user
async def test_a_process_of_another_user_is_reported_and_waited_for(start_shim: StartShim, directory: Path) -> None:
    (directory / "pids").touch()
    (directory / "pids").chmod(0o666)
    shim = start_shim("sh", "-c", OTHER_USER, python=(*MAY_NOT_KILL, sys.executable, SHIM_PROGRAM))
    await eventually(lambda: noted_pids(directory))

    shim.send("stop 0.05\n")
    reports = [shim.read_report() for _ in range(3)]
    os.kill(noted_pids(directory)[0], signal.SIGKILL)

    assert reports[2] == f"unkillable {noted_pids(directory)[0]} sleep"
    assert shim.read_reports()[1:] == ["exited -9", "done"]


@needs_another_user
async def test_a_process_of_another_user_keeps_the_step_active_with_a_warning(
    begin: Begin, directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec {" ".join(MAY_NOT_KILL)} {sys.executable} "$@"\n')
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    (directory / "pids").touch()
    (directory / "pids").chmod(0o666)
    begun = await begin(OTHER_USER)
    await eventually(lambda: noted_pids(directory))

    stopping = asyncio.create_task(begun.execution.stop(0))
    await eventually(begun.output.warnings)
    [pid] = noted_pids(directory)
    assert begun.execution.result is None
    os.kill(pid, signal.SIGKILL)

    assert await stopping == StepResult(-9, "killed by SIGKILL")
    assert begun.output.warnings() == [f"process {pid} (sleep) does not exit or may not be signalled; waiting for it"]
