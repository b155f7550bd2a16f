"""A command that kills or stops its shim does not escape: its processes are known by their descent."""

import asyncio
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from solorun.outcome import StepResult
from solorun.steps.command_limits import CommandLimits
from solorun.steps.descent import DescentTracker
from solorun.steps.shim.processes import Process, list_processes
from solorun.steps.shim_process import ShimProcess
from tests.process.steps.conftest import Begin, Bystander
from tests.process.steps.processes import eventually, noted_pids, shims, survivors

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finding every descendant requires Linux")

LOST = StepResult(error_message="shim lost: the process that supervised the command was killed")
ESCAPES = {
    "keeping a variable of the service": 'env -i PATH="$PATH" setsid sh leaf.sh',
    "without the run's id": "env -u SOLORUN_RUN_ID setsid sh leaf.sh",
    "with another run's id": "env SOLORUN_RUN_ID=8 setsid sh leaf.sh",
    "with an empty environment": "setsid env -i /bin/sh leaf.sh",
    "through a second fork": "(env -i setsid /bin/sh leaf.sh &)",
    "in a session below a session": "setsid sh -c 'setsid sh leaf.sh & wait'",
}


@pytest.mark.parametrize("escape", ESCAPES.values(), ids=ESCAPES)
async def test_no_child_escapes_by_killing_the_shim(begin: Begin, escape: str) -> None:
    begun = await begin(f"{escape} & until [ -s pids ]; do sleep 0.01; done; kill -9 $PPID $$")

    async with asyncio.timeout(30):
        result = await begun.execution.wait()

    assert result == LOST
    assert len(noted_pids(begun.directory)) >= 1
    assert survivors(begun.directory) == []


async def test_no_child_escapes_by_killing_every_process_above_it(begin: Begin) -> None:
    escape = 'python3 -c \'import os; os.setsid(); os.execve("/bin/sh", ["sh", "leaf.sh"], {})\''
    begun = await begin(f"{escape} & until [ -s pids ]; do sleep 0.01; done; kill -9 $PPID $$")

    async with asyncio.timeout(30):
        await begun.execution.wait()

    assert survivors(begun.directory) == []


async def test_losing_a_shim_does_not_kill_what_a_coroutine_started_meanwhile(
    begin: Begin, bystander: Bystander, monkeypatch: pytest.MonkeyPatch
) -> None:
    scans: list[list[Process]] = []

    def scan() -> list[Process]:
        scans.append(list_processes())
        return scans[-1]

    begun = await begin("sh leaf.sh")
    other = await bystander({"HOME": "/"})
    await eventually(lambda: noted_pids(begun.directory))
    monkeypatch.setattr("solorun.steps.descent.list_processes", scan)
    # When the second scan begins, the first one is known.
    await eventually(lambda: len(scans) > 1)

    os.kill(shims(begun.directory)[0], signal.SIGKILL)
    await begun.execution.wait()

    assert survivors(begun.directory) == []
    assert other.poll() is None


async def test_the_process_table_is_rarely_scanned_while_no_child_starts_or_exits(
    begin: Begin, bystander: Bystander, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks, scans = [0], [0]
    look, scan = DescentTracker.look, list_processes
    begun = await begin("sh leaf.sh")
    await eventually(lambda: noted_pids(begun.directory))

    def counted_look(tracker: DescentTracker) -> object:
        looks[0] += 1
        return look(tracker)

    def counted_scan() -> list[Process]:
        scans[0] += 1
        return scan()

    monkeypatch.setattr(DescentTracker, "look", counted_look)
    monkeypatch.setattr("solorun.steps.descent.list_processes", counted_scan)
    monkeypatch.setattr("solorun.steps.descent.SCAN_SECONDS", 0)
    await eventually(lambda: looks[0] >= 60)
    assert scans[0] <= looks[0] / 15 + 2

    monkeypatch.setattr("solorun.steps.descent.MAX_SKIPPED_SCANS", 10**9)
    await eventually(lambda: looks[0] >= 120)
    before = scans[0]
    await bystander({"HOME": "/"})
    await eventually(lambda: scans[0] > before)


async def test_losing_a_shim_does_not_end_another_command(begin: Begin, directory: Path) -> None:
    lost = await begin("setsid sh leaf.sh & until [ -s pids ]; do sleep 0.01; done; kill -9 $PPID")
    other = await begin("until [ -e go ]; do sleep 0.01; done; exit 3", run_id=8)

    assert await lost.execution.wait() == LOST
    (directory / "go").touch()

    assert (await other.execution.wait()).exit_code == 3


async def test_no_zombie_is_left_when_a_shim_is_lost(begin: Begin) -> None:
    before = children()
    begun = await begin("setsid sh -c 'exit 0' & setsid sh leaf.sh & until [ -s pids ]; do :; done; kill -9 $PPID $$")

    await begun.execution.wait()

    assert children() - before == set()


def children() -> set[str]:
    """The children of this process, and those that have exited without being reaped."""
    pids: set[str] = set()
    for thread in Path("/proc/self/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # a thread that ends meanwhile
            pids.update((thread / "children").read_text().split())
    return pids


async def test_a_stop_reaches_a_command_that_has_stopped_its_shim(begin: Begin) -> None:
    begun = await begin("kill -STOP $PPID; sh leaf.sh")
    await eventually(lambda: noted_pids(begun.directory))

    async with asyncio.timeout(30):
        result = await begun.execution.stop(10)

    assert result == StepResult(-15, "killed by SIGTERM")
    assert begun.output.warnings() == ["the shim was stopped by a signal; continuing it"]
    assert survivors(begun.directory) == []


async def test_a_stopped_shim_does_not_hide_the_end_of_its_command(begin: Begin) -> None:
    begun = await begin("kill -STOP $PPID; exit 3")

    async with asyncio.timeout(30):
        result = await begun.execution.wait()

    assert result.exit_code == 3
    assert begun.output.warnings() == ["the shim was stopped by a signal; continuing it"]


@pytest.mark.parametrize("limits", [CommandLimits(ping_seconds=0.05)])
async def test_a_shim_that_cannot_be_continued_is_replaced(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    def kill_only(shim: ShimProcess, signum: int) -> None:
        # As if the command stopped the shim again each time.
        if signum == signal.SIGKILL:
            os.kill(shim.pid, signum)

    monkeypatch.setattr(ShimProcess, "send_signal", kill_only)
    begun = await begin("kill -STOP $PPID; trap '' TERM; setsid sh leaf.sh & sh leaf.sh")
    await eventually(lambda: len(noted_pids(begun.directory)) == 2)

    async with asyncio.timeout(30):
        result = await begun.execution.stop(10)

    assert result == LOST
    assert begun.output.warnings() == [
        "the shim was stopped by a signal; continuing it",
        "the shim does not answer; killing its processes without it",
    ]
    assert survivors(begun.directory) == []
