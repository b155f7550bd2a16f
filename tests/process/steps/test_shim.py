"""The shim as a program: what it reports, and how it kills processes."""

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

from solorun.execution.clock import count_seconds
from solorun.outcome import StepResult
from solorun.steps.rlimits import INHERITED_SOFT_LIMIT
from solorun.steps.shim_process import SHIM_PROGRAM
from solorun.steps.work_deadline import WorkDeadline
from tests.fakes.process_table import is_alive
from tests.process.steps.conftest import Begin
from tests.process.steps.processes import eventually, noted_pids, sleeping_leaves, survivors

MAY_NOT_KILL = ("setpriv", "--bounding-set=-kill", "--inh-caps=-kill")
OTHER_USER = "exec setpriv --reuid 65534 --clear-groups sh leaf.sh"
WITHOUT_PROC = (
    f"import sys; sys.path.append({os.path.dirname(os.path.dirname(SHIM_PROGRAM))!r}); from shim.program import Shim; "
    "Shim(int(sys.argv[1]), int(sys.argv[2]), has_proc=False).run(sys.argv[6:])"
)
WITHOUT_A_LIST = (
    f"import sys, time; sys.path.append({os.path.dirname(os.path.dirname(SHIM_PROGRAM))!r}); import shim.program; "
    "shim.program.list_processes = lambda: time.sleep(600); shim.program.main()"
)
"""On a machine that is too busy to list its processes in time."""

NONCE = "0123456789abcdef" * 2

needs_another_user = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("setpriv") is None,
    reason="switching to another user requires root and setpriv (apt-get install util-linux)",
)


@dataclass
class Started:
    process: subprocess.Popen[bytes]
    control: int
    status: IO[str]

    def read_report(self) -> str:
        """The next report, without its nonce."""
        line = self.status.readline()
        while line == "\n":
            line = self.status.readline()
        return self._without_nonce(line)

    def read_reports(self) -> list[str]:
        """All reports until the shim exits."""
        return [self._without_nonce(line) for line in self.status if line != "\n"]

    def _without_nonce(self, line: str) -> str:
        assert line.startswith(f"{NONCE} "), line
        return line.removeprefix(f"{NONCE} ").removesuffix("\n")

    def send(self, line: str) -> None:
        os.write(self.control, line.encode())

    def close_control(self) -> None:
        os.close(self.control)
        self.control = -1


StartShim = Callable[..., Started]


@pytest.fixture
def start_shim(directory: Path) -> Iterator[StartShim]:
    """Starts the shim without -I, so that coverage can measure it."""
    started: list[Started] = []

    def start_shim(
        *argv: str, python: tuple[str, ...] = (sys.executable, SHIM_PROGRAM), stops: str = "", deadline: int = -1
    ) -> Started:
        control, to_control = os.pipe()
        status, to_status = os.pipe()
        os.write(to_control, NONCE.encode() + stops.encode())
        process = subprocess.Popen(
            [*python, str(control), str(to_status), str(INHERITED_SOFT_LIMIT), "artifacts", str(deadline), *argv],
            cwd=directory,
            pass_fds=(control, to_status, *(() if deadline < 0 else (deadline,))),
            start_new_session=True,
        )
        os.close(control)
        os.close(to_status)
        started.append(Started(process, to_control, os.fdopen(status)))
        return started[-1]

    yield start_shim
    for each in started:
        each.process.kill()
        each.process.wait()
        each.status.close()
        os.close(each.control) if each.control >= 0 else None


def test_a_command_is_killed_when_its_deadline_passes(start_shim: StartShim, directory: Path) -> None:
    deadline = WorkDeadline()
    deadline.set(count_seconds() + 0.2)

    shim = start_shim("sh", "-c", "sleep 600 & exec sleep 600", deadline=deadline.fd)
    reports = shim.read_reports()

    kinds = [report.split()[0] for report in reports]
    # Whether the command or its child is reaped first is up to the kernel, and whether one is left to be listed.
    assert [kind for kind in kinds if kind not in {"left", "killing"}] == ["started", "expired", "exited", "done"]
    assert count_seconds() >= float(os.pread(deadline.fd, 32, 0))
    deadline.close()


async def test_a_command_is_killed_at_its_deadline_before_the_processes_are_listed(
    start_shim: StartShim, directory: Path
) -> None:
    deadline = WorkDeadline()
    deadline.set(count_seconds() + 0.2)

    shim = start_shim("sleep", "600", python=(sys.executable, "-c", WITHOUT_A_LIST), deadline=deadline.fd)
    command = shim.read_report().removeprefix("started ")

    await eventually(lambda: not is_alive(command))
    deadline.close()


def test_a_deadline_that_is_moved_in_time_kills_nothing(start_shim: StartShim, directory: Path) -> None:
    deadline = WorkDeadline()
    deadline.set(count_seconds() + 0.2)

    shim = start_shim("sh", "-c", "sleep 0.5; exit 7", deadline=deadline.fd)
    deadline.set(count_seconds() + 600)

    assert shim.read_reports()[1:] == ["exited 7", "done"]
    deadline.close()


def test_the_exit_of_a_command_is_reported(start_shim: StartShim) -> None:
    shim = start_shim("sh", "-c", "exit 3")

    [started, *rest] = shim.read_reports()

    assert started.startswith("started ")
    assert rest == ["exited 3", "done"]


def test_remaining_processes_are_reported_and_wait_for_a_stop(start_shim: StartShim) -> None:
    shim = start_shim("sh", "-c", "sh leaf.sh & exit 0")
    reports = [shim.read_report().split()[0] for _ in range(3)]

    shim.send("stop 5\n")

    assert reports == ["started", "exited", "left"]
    assert [report.split()[0] for report in shim.read_reports()] == ["terminating", "done"]


async def test_the_processes_that_get_sigterm_are_reported(start_shim: StartShim, directory: Path) -> None:
    shim = start_shim("sh", "-c", "sh leaf.sh & sh leaf.sh; true")
    await eventually(lambda: len(sleeping_leaves(directory)) == 2)
    command = int(shim.read_report().removeprefix("started "))

    shim.send("stop 5\n")

    terminating, count, *processes = shim.read_report().split(" ")
    lines = {int(pid): (int(parent), bytes.fromhex(line)) for pid, parent, line in (p.split(",") for p in processes)}
    assert (terminating, count) == ("terminating", "3")
    assert lines[command] == (shim.process.pid, b"sh\0-c\0sh leaf.sh & sh leaf.sh; true\0")
    assert [lines[pid] for pid in noted_pids(directory)] == [(command, b"sleep\000600\0")] * 2


async def test_the_processes_that_outlive_their_grace_are_reported(start_shim: StartShim, directory: Path) -> None:
    shim = start_shim("sh", "-c", "(trap '' TERM; exec sh leaf.sh) & wait; true")
    await eventually(lambda: noted_pids(directory))
    [pid] = noted_pids(directory)

    shim.send("stop 0.2\n")

    reports = [report for report in shim.read_reports() if not report.startswith(("started", "exited"))]
    assert [report.split()[0] for report in reports] == ["terminating", "left", "killing", "done"]
    assert reports[2].startswith(f"killing 1 {pid},")


async def test_a_stop_without_a_grace_reports_the_processes_it_kills(start_shim: StartShim, directory: Path) -> None:
    shim = start_shim("sh", "leaf.sh")
    await eventually(lambda: noted_pids(directory))

    shim.send("stop 0\n")

    reports = [report.split()[0] for report in shim.read_reports()]
    assert reports == ["started", "killing", "exited", "done"]


@pytest.mark.parametrize("stops", ["stop 5\n", "stop 0\n", "stop 5\nstop 1\n"])
def test_a_stop_before_the_start_prevents_it(start_shim: StartShim, stops: str) -> None:
    shim = start_shim("sh", "leaf.sh", stops=stops)

    assert shim.read_reports() == ["refused stopped before it started", "done"]


@pytest.mark.parametrize("program", ["no-such-program", "./leaf.sh"])
def test_a_program_that_cannot_start_is_refused(start_shim: StartShim, program: str) -> None:
    shim = start_shim(program)

    refused, done = shim.read_reports()

    assert refused.startswith("refused ")
    assert refused.endswith(program)
    assert done == "done"


@pytest.mark.parametrize("line", ["", "stop", "stop x", "stop ", "\0", "x" * 5000])
def test_a_malformed_request_does_not_end_the_shim(start_shim: StartShim, directory: Path, line: str) -> None:
    shim = start_shim("sh", "-c", "until [ -e go ]; do sleep 0.01; done; exit 3")

    shim.read_report()

    shim.send(f"{line}\nping\n")

    assert shim.read_report() == "alive"
    (directory / "go").touch()
    assert shim.read_reports() == ["exited 3", "done"]


@pytest.mark.parametrize("grace", ["inf", "1e30", "31536000"])
async def test_a_grace_of_any_length_is_accepted(start_shim: StartShim, directory: Path, grace: str) -> None:
    shim = start_shim("sh", "-c", "trap 'exit 3' TERM; echo $$ > pids; while :; do sleep 0.01; done")
    await eventually(lambda: noted_pids(directory))

    shim.send(f"stop {grace}\n")

    assert shim.read_reports()[2:] == ["exited 3", "done"]


async def test_a_closed_control_pipe_kills_immediately(start_shim: StartShim, directory: Path) -> None:
    shim = start_shim("sh", "-c", "trap '' TERM; setsid sh leaf.sh & sh leaf.sh; sh leaf.sh")
    await eventually(lambda: len(noted_pids(directory)) == 2)

    shim.close_control()

    assert shim.process.wait(30) == 0
    assert survivors(directory) == []


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1])
async def test_signals_for_the_service_do_not_end_the_shim(
    start_shim: StartShim, directory: Path, signum: signal.Signals
) -> None:
    shim = start_shim("sh", "leaf.sh")
    await eventually(lambda: noted_pids(directory))

    shim.process.send_signal(signum)
    os.kill(noted_pids(directory)[0], signal.SIGKILL)

    assert shim.read_reports()[1:] == ["exited -9", "done"]


async def test_a_closed_status_pipe_kills_immediately(start_shim: StartShim, directory: Path) -> None:
    shim = start_shim("sh", "-c", "sh leaf.sh & until [ -e go ]; do sleep 0.01; done")
    await eventually(lambda: noted_pids(directory))

    shim.status.close()
    (directory / "go").touch()

    assert shim.process.wait(30) == 0
    assert survivors(directory) == []


async def test_without_proc_the_process_group_is_killed(start_shim: StartShim, directory: Path) -> None:
    shim = start_shim(
        "sh", "-c", "trap '' TERM; sh leaf.sh & sh leaf.sh; sh leaf.sh", python=(sys.executable, "-c", WITHOUT_PROC)
    )
    await eventually(lambda: len(noted_pids(directory)) == 2)

    shim.send("stop 0.05\n")

    assert shim.process.wait(30) == 0
    assert survivors(directory) == []


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
