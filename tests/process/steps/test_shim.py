"""The runner as a program: what it reports, and how it ends what it cannot end."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pytest

from solorun.outcome import StepResult
from solorun.steps.rlimits import INHERITED_SOFT_LIMIT
from solorun.steps.shim_process import SHIM_PROGRAM
from tests.process.steps.conftest import Begin
from tests.process.steps.processes import eventually, noted_pids, survivors

MAY_NOT_KILL = ("setpriv", "--bounding-set=-kill", "--inh-caps=-kill")
SOMEBODY_ELSE = "exec setpriv --reuid 65534 --clear-groups sh leaf.sh"
WITHOUT_PROC = (
    f"import sys; sys.path.append({os.path.dirname(SHIM_PROGRAM)!r}); import runner; runner.HAS_PROC = False; "
    "runner.list_processes = lambda: []; runner.Shim(int(sys.argv[1]), int(sys.argv[2])).run(sys.argv[4:])"
)

needs_another_user = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("setpriv") is None, reason="needs root, to become somebody else"
)


@dataclass
class Started:
    process: subprocess.Popen[bytes]
    control: int
    status: IO[str]

    def tell(self, line: str) -> None:
        os.write(self.control, line.encode())

    def hang_up(self) -> None:
        os.close(self.control)
        self.control = -1


StartRunner = Callable[..., Started]


@pytest.fixture
def start_runner(directory: Path) -> Iterator[StartRunner]:
    """Starts shim.py, not isolated from the interpreter's settings so that coverage sees it."""
    started: list[Started] = []

    def start_runner(*argv: str, python: tuple[str, ...] = (sys.executable, SHIM_PROGRAM), told: str = "") -> Started:
        control, to_control = os.pipe()
        status, to_status = os.pipe()
        os.write(to_control, told.encode())
        process = subprocess.Popen(
            [*python, str(control), str(to_status), str(INHERITED_SOFT_LIMIT), *argv],
            cwd=directory,
            pass_fds=(control, to_status),
            start_new_session=True,
        )
        os.close(control)
        os.close(to_status)
        started.append(Started(process, to_control, os.fdopen(status)))
        return started[-1]

    yield start_runner
    for each in started:
        each.process.kill()
        each.process.wait()
        each.status.close()
        os.close(each.control) if each.control >= 0 else None


def test_a_command_that_ends_alone_is_reported(start_runner: StartRunner) -> None:
    runner = start_runner("sh", "-c", "exit 3")

    [started, *rest] = runner.status.read().splitlines()

    assert started.startswith("started ")
    assert rest == ["exited 3", "done"]


def test_those_who_are_left_wait_for_a_word(start_runner: StartRunner) -> None:
    runner = start_runner("sh", "-c", "sh leaf.sh & exit 0")
    reports = [runner.status.readline().split()[0] for _ in range(3)]

    runner.tell("stop 5\n")

    assert reports == ["started", "exited", "left"]
    assert runner.status.read() == "done\n"


@pytest.mark.parametrize("told", ["stop 5\n", "stop 0\n", "stop 5\nstop 1\n"])
def test_nothing_is_started_when_a_stop_came_first(start_runner: StartRunner, told: str) -> None:
    runner = start_runner("sh", "leaf.sh", told=told)

    assert runner.status.read() == "refused it was told to stop before it began\ndone\n"


@pytest.mark.parametrize("program", ["no-such-program", "./leaf.sh"])
def test_what_cannot_be_started_is_refused(start_runner: StartRunner, program: str) -> None:
    runner = start_runner(program)

    refused, done = runner.status.read().splitlines()

    assert refused.startswith("refused ")
    assert refused.endswith(program)
    assert done == "done"


async def test_a_hung_up_service_means_kill_at_once(start_runner: StartRunner, directory: Path) -> None:
    runner = start_runner("sh", "-c", "trap '' TERM; setsid sh leaf.sh & sh leaf.sh; sh leaf.sh")
    await eventually(lambda: len(noted_pids(directory)) == 2)

    runner.hang_up()

    assert runner.process.wait(30) == 0
    assert survivors(directory) == []


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1])
async def test_signals_for_the_service_do_not_end_the_runner(
    start_runner: StartRunner, directory: Path, signum: signal.Signals
) -> None:
    runner = start_runner("sh", "leaf.sh")
    await eventually(lambda: noted_pids(directory))

    runner.process.send_signal(signum)
    os.kill(noted_pids(directory)[0], signal.SIGKILL)

    assert runner.status.read().splitlines()[1:] == ["exited -9", "done"]


async def test_a_reader_that_has_gone_means_kill_at_once(start_runner: StartRunner, directory: Path) -> None:
    runner = start_runner("sh", "-c", "sh leaf.sh & until [ -e go ]; do sleep 0.01; done")
    await eventually(lambda: noted_pids(directory))

    runner.status.close()
    (directory / "go").touch()

    assert runner.process.wait(30) == 0
    assert survivors(directory) == []


async def test_without_proc_the_process_group_is_ended(start_runner: StartRunner, directory: Path) -> None:
    runner = start_runner(
        "sh", "-c", "trap '' TERM; sh leaf.sh & sh leaf.sh; sh leaf.sh", python=(sys.executable, "-c", WITHOUT_PROC)
    )
    await eventually(lambda: len(noted_pids(directory)) == 2)

    runner.tell("stop 0.05\n")

    assert runner.process.wait(30) == 0
    assert survivors(directory) == []


@needs_another_user
async def test_a_process_of_another_user_is_named_and_waited_for(start_runner: StartRunner, directory: Path) -> None:
    (directory / "pids").touch()
    (directory / "pids").chmod(0o666)
    runner = start_runner("sh", "-c", SOMEBODY_ELSE, python=(*MAY_NOT_KILL, sys.executable, SHIM_PROGRAM))
    await eventually(lambda: noted_pids(directory))

    runner.tell("stop 0.05\n")
    reports = [runner.status.readline().strip() for _ in range(2)]
    os.kill(noted_pids(directory)[0], signal.SIGKILL)

    assert reports[1] == f"unkillable {noted_pids(directory)[0]} sleep"
    assert runner.status.read() == "exited -9\ndone\n"


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
    begun = await begin(SOMEBODY_ELSE)
    await eventually(lambda: noted_pids(directory))

    stopping = asyncio.create_task(begun.execution.stop(0))
    await eventually(begun.output.warnings)
    [pid] = noted_pids(directory)
    assert begun.execution.result is None
    os.kill(pid, signal.SIGKILL)

    assert await stopping == StepResult(-9, "killed by SIGKILL")
    assert begun.output.warnings() == [f"process {pid} (sleep) does not end and may not be ours to end: waiting for it"]
