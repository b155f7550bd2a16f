"""The shim as a program: what it reports, and how it kills processes."""

import os
import signal
import sys
from pathlib import Path

import pytest

from solorun.steps.shim_process import SHIM_PROGRAM
from tests.process.steps.processes import eventually, noted_pids, sleeping_leaves, survivors
from tests.process.steps.shims import StartShim

WITHOUT_PROC = (
    f"import sys; sys.path.append({os.path.dirname(os.path.dirname(SHIM_PROGRAM))!r}); from shim.program import Shim; "
    "Shim(int(sys.argv[1]), int(sys.argv[2]), has_proc=False).run(sys.argv[6:])"
)


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
