"""When the service is killed, its commands are killed by their shims or by the next service."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from solorun.steps import StepDispatcher, orphans
from solorun.steps.orphans import OrphanProcesses
from solorun.steps.shim.processes import Process, read_proc_file
from tests.process.steps.processes import eventually, noted_pids, shims, survivors

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finding every descendant requires Linux")

ROOT = Path(__file__).parents[3]
ESCAPING = 'env -i PATH="$PATH" setsid sh leaf.sh & trap "" TERM; (setsid sh leaf.sh &); sh leaf.sh; sh leaf.sh'
"""Three processes that ignore SIGTERM, or have left the session and the environment."""

Host = Callable[[str], subprocess.Popen[bytes]]


@pytest.fixture
def host(tmp_path: Path, directory: Path) -> Iterator[Host]:
    """Starts a minimal service that runs one command."""
    started: list[subprocess.Popen[bytes]] = []

    def host(command: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.process.steps.host", str(tmp_path / "data"), str(directory), command],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'app'}"},
        )
        started.append(process)
        return process

    yield host
    for process in started:
        process.kill()
        process.wait()


async def test_no_child_survives_the_service(host: Host, directory: Path) -> None:
    service = host(ESCAPING)
    await eventually(lambda: len(noted_pids(directory)) == 3)

    service.kill()

    await eventually(lambda: not survivors(directory))


async def test_no_child_survives_the_service_even_if_a_fork_holds_the_pipe_open(host: Host, directory: Path) -> None:
    service = host(ESCAPING)
    await eventually(lambda: len(noted_pids(directory)) == 3)
    [control] = [int(argument) for argument in cmdline(shims(directory)[0])[4:5]]
    inode = os.readlink(f"/proc/{shims(directory)[0]}/fd/{control}")

    held = hold_pipe(service.pid, inode)
    try:
        service.kill()
        await eventually(lambda: not survivors(directory))
    finally:
        os.close(held)


def cmdline(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/cmdline").read_text().split("\0")


def hold_pipe(pid: int, inode: str) -> int:
    """Keep the write end of a pipe open, as a fork of its process would."""
    [path] = [path for path in Path(f"/proc/{pid}/fd").iterdir() if os.readlink(path) == inode]
    return os.open(path, os.O_WRONLY)


async def test_recovery_kills_the_processes_of_a_killed_shim(
    host: Host, directory: Path, dispatcher: StepDispatcher
) -> None:
    service = host('(setsid sh leaf.sh &); trap "" TERM; sh leaf.sh; sh leaf.sh')
    await eventually(lambda: len(noted_pids(directory)) == 2)
    os.kill(service.pid, signal.SIGSTOP)
    os.kill(shims(directory)[0], signal.SIGKILL)
    service.kill()
    service.wait()
    assert survivors(directory)

    async with asyncio.timeout(60):
        await dispatcher.kill_orphans(7)

    assert survivors(directory) == []


async def test_recovery_kills_the_processes_of_a_hanging_shim(
    host: Host, directory: Path, dispatcher: StepDispatcher
) -> None:
    service = host(ESCAPING)
    await eventually(lambda: len(noted_pids(directory)) == 3)
    os.kill(shims(directory)[0], signal.SIGSTOP)
    service.kill()
    service.wait()

    async with asyncio.timeout(60):
        await dispatcher.kill_orphans(7)

    assert survivors(directory) == []


async def test_recovery_finds_a_shim_whose_environment_is_closed(
    host: Host, directory: Path, dispatcher: StepDispatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = host('(env -i PATH="$PATH" setsid sh leaf.sh &); sh leaf.sh')
    await eventually(lambda: len(noted_pids(directory)) == 2)
    [shim] = shims(directory)
    os.kill(shim, signal.SIGSTOP)
    service.kill()
    service.wait()

    def read(pid: int, name: str) -> bytes:
        return b"" if (pid, name) == (shim, "environ") else read_proc_file(pid, name)

    monkeypatch.setattr(orphans, "read_proc_file", read)
    async with asyncio.timeout(60):
        await dispatcher.kill_orphans(7)

    assert survivors(directory) == []


async def test_recovery_waits_for_a_working_shim(host: Host, directory: Path, dispatcher: StepDispatcher) -> None:
    service = host(ESCAPING)
    await eventually(lambda: len(noted_pids(directory)) == 3)
    service.kill()
    service.wait()

    async with asyncio.timeout(60):
        await dispatcher.kill_orphans(7)

    assert survivors(directory) == []


async def test_recovery_leaves_other_runs_and_other_services_alone(
    host: Host, directory: Path, dispatcher: StepDispatcher, tmp_path: Path
) -> None:
    host("sh leaf.sh")
    await eventually(lambda: noted_pids(directory))

    await dispatcher.kill_orphans(70)
    await StepDispatcher(tmp_path / "other", os.environ).kill_orphans(7)

    assert survivors(directory)


async def test_recovery_without_orphans_scans_twice_and_does_not_wait_for_shims() -> None:
    scans: list[int] = []

    async def select(processes: list[Process]) -> list[Process]:
        scans.append(len(processes))
        return []

    async def warn(message: str) -> None:
        raise AssertionError(message)

    async with asyncio.timeout(60):
        await OrphanProcesses(select, warn, shim_seconds=600).kill()

    assert len(scans) == 2
