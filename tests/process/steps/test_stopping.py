"""A stop reaches every process, whatever it does to get away."""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from solorun.outcome import StepResult
from solorun.record import Stream
from tests.process.steps.conftest import Begin, Begun
from tests.process.steps.processes import eventually, noted_pids, runners, survivors

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets us find every descendant")

DAEMON = """
import os
open("pids", "a").write("")
here = os.getcwd()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.chdir("/")
        os.closerange(0, 64)
        os.environ.clear()
        with open(here + "/pids", "a") as file:
            file.write(f"{os.getpid()}\\n")
        os.execve("/bin/sleep", ["sleep", "60"], {})
    os._exit(0)
os.wait()
os.execlp("sh", "sh", "leaf.sh")
"""
FLOOD = """
import os, time
for _ in range(6):
    os.fork()
with open("pids", "a") as file:
    file.write(f"{os.getpid()}\\n")
time.sleep(60)
"""
COMET = """
import os, sys, time
with open("pids", "a") as file:
    file.write(f"{os.getpid()}\\n")
end = time.monotonic() + 30
while time.monotonic() < end:
    if os.fork():
        os._exit(0)
    if sys.argv[1:]:
        os.setsid()
"""

SHAPES = {
    "a double fork": ("(sh leaf.sh &); sh leaf.sh", 2),
    "setsid": ("setsid sh leaf.sh & sh leaf.sh", 2),
    "nohup": ("nohup sh leaf.sh & sh leaf.sh", 2),
    "ignoring SIGTERM": ("trap '' TERM; sh leaf.sh & sh leaf.sh", 2),
    "a stopped child": ("sh leaf.sh & until [ -s pids ]; do sleep 0.01; done; kill -STOP $!; sh leaf.sh", 2),
    "a grandchild that keeps the pipe": ("(while :; do echo again; sleep 0.01; done) & sh leaf.sh", 1),
    "a fork flood": ("exec python3 flood.py", 64),
    "closed descriptors": ("sh leaf.sh <&- >&- 2>&- & sh leaf.sh", 2),
    "a process group of its own": ("set -m; sh leaf.sh & sh leaf.sh", 2),
    "a cleared environment": ('env -i PATH="$PATH" setsid sh leaf.sh & sh leaf.sh', 2),
    "a daemon": ("exec python3 daemon.py", 2),
    "a handler that spawns more": ("trap 'sh leaf.sh & sh leaf.sh' TERM; sh leaf.sh & wait; sh leaf.sh; sh leaf.sh", 1),
    "kill 0": ("trap 'kill -9 0' TERM; setsid sh leaf.sh & sh leaf.sh & wait", 2),
    "a comet": ("exec python3 comet.py", 1),
    "a comet that ignores SIGTERM": ("trap '' TERM; python3 comet.py; sh leaf.sh; sh leaf.sh", 2),
    "a comet in ever new sessions": ("trap '' TERM; python3 comet.py setsid; sh leaf.sh; sh leaf.sh", 2),
}


@pytest.fixture
def _programs(directory: Path) -> None:
    (directory / "daemon.py").write_text(DAEMON)
    (directory / "flood.py").write_text(FLOOD)
    (directory / "comet.py").write_text(COMET)


@pytest.mark.parametrize(("command", "processes"), SHAPES.values(), ids=SHAPES)
@pytest.mark.usefixtures("_programs")
async def test_nobody_is_left_after_a_stop(begin: Begin, command: str, processes: int) -> None:
    begun = await begin(command)
    await eventually(lambda: len(noted_pids(begun.directory)) >= processes)
    plain = await begin("sh leaf.sh", run_id=8)
    await eventually(lambda: len(noted_pids(begun.directory)) > processes)

    seconds, plain_seconds = await asyncio.gather(_stop(begun), _stop(plain))

    assert survivors(begun.directory) == []
    # What one that heeds takes at the same moment is the machine's part.
    assert seconds < 0.3 + 2 + plain_seconds


async def _stop(begun: Begun) -> float:
    """The seconds that it took."""
    began = time.monotonic()
    async with asyncio.timeout(20):
        await begun.execution.stop(0.3)
    return time.monotonic() - began


async def test_a_command_that_heeds_sigterm_has_its_grace(begin: Begin) -> None:
    begun = await begin("trap 'sleep 0.2; echo cleaned up; exit 0' TERM; echo ready; while :; do sleep 0.01; done")
    await eventually(lambda: begun.output.texts() == ["ready"])

    result = await begun.execution.stop(10)

    assert result == StepResult(0)
    assert begun.output.texts() == ["ready", "cleaned up"]


async def test_a_second_stop_with_a_shorter_grace_shortens_it(begin: Begin) -> None:
    begun = await begin("trap '' TERM; sh leaf.sh; sh leaf.sh")
    await eventually(lambda: noted_pids(begun.directory))

    async with asyncio.timeout(30):
        first = asyncio.create_task(begun.execution.stop(60))
        await asyncio.sleep(0)
        second = await begun.execution.stop(0.1)

    assert second == StepResult(-9, "killed by SIGKILL")
    assert await first is second


async def test_a_second_stop_with_a_longer_grace_does_not_lengthen_it(begin: Begin) -> None:
    begun = await begin("trap '' TERM; sh leaf.sh; sh leaf.sh")
    await eventually(lambda: noted_pids(begun.directory))

    async with asyncio.timeout(30):
        first = asyncio.create_task(begun.execution.stop(0.1))
        await asyncio.sleep(0)
        await begun.execution.stop(60)

    assert first.done()


async def test_a_stop_that_comes_during_the_start_is_not_lost(begin: Begin) -> None:
    begun = await begin("sh leaf.sh")

    async with asyncio.timeout(30):
        result = await begun.execution.stop(10)

    assert not result.succeeded
    assert survivors(begun.directory) == []


async def test_a_stop_after_the_end_keeps_the_result(begin: Begin) -> None:
    begun = await begin("exit 3")
    result = await begun.execution.wait()

    assert await begun.execution.stop(10) is result
    assert begun.execution.result is result


async def test_being_cancelled_while_waiting_harms_nothing(begin: Begin) -> None:
    begun = await begin("sh leaf.sh")
    await eventually(lambda: noted_pids(begun.directory))

    waiting = asyncio.create_task(begun.execution.wait())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])

    assert waiting.cancelled()
    assert begun.execution.result is None
    assert not (await begun.execution.stop(5)).succeeded


async def test_being_cancelled_while_stopping_leaves_the_stop_under_way(begin: Begin) -> None:
    begun = await begin("sh leaf.sh")
    await eventually(lambda: noted_pids(begun.directory))

    stopping = asyncio.create_task(begun.execution.stop(5))
    await asyncio.sleep(0)
    stopping.cancel()

    async with asyncio.timeout(30):
        assert await begun.execution.wait() == StepResult(-15, "killed by SIGTERM")


async def test_a_run_ends_when_its_command_ends(begin: Begin) -> None:
    begun = await begin("(echo from the child; sh leaf.sh) & until [ -s pids ]; do sleep 0.01; done; echo done")

    async with asyncio.timeout(30):
        result = await begun.execution.wait()

    assert result == StepResult(0)
    assert sorted(begun.output.texts()) == ["done", "from the child"]
    assert begun.output.warnings() == ["the command has exited; processes that it left behind are ended"]
    assert survivors(begun.directory) == []


async def test_a_grandchild_that_never_stops_writing_cannot_keep_the_run(begin: Begin) -> None:
    begun = await begin("yes again & echo mine; exit 0")

    async with asyncio.timeout(30):
        await begun.execution.wait()

    assert "mine" in begun.output.texts()
    assert survivors(begun.directory) == []


async def test_what_the_command_wrote_is_kept_however_long_the_log_is_full(begin: Begin) -> None:
    begun = await begin("sh leaf.sh & until [ -s pids ]; do sleep 0.01; done; seq 1 9000; touch written")
    begun.output.open_gate.clear()
    await eventually((begun.directory / "written").exists)
    await eventually(lambda: begun.execution.result)

    begun.output.open_gate.set()
    await begun.execution.wait()

    assert begun.output.joined() == [str(number) for number in range(1, 9001)]


async def test_a_full_log_makes_the_command_wait(begin: Begin) -> None:
    begun = await begin("seq 1 100000; touch written")
    begun.output.open_gate.clear()
    await eventually(lambda: is_blocked(begun.directory))

    assert not (begun.directory / "written").exists()
    begun.output.open_gate.set()
    await begun.execution.wait()
    assert begun.output.joined() == [str(number) for number in range(1, 100_001)]


def is_blocked(directory: Path) -> bool:
    """A process of the directory waits on a full pipe."""
    return any(
        Path(f"/proc/{line.split()[0]}/wchan").read_text() in {"pipe_write", "anon_pipe_write"}
        for line in survivors(directory)
    )


async def test_a_lost_runner_fails_the_step_only_when_its_orphans_are_gone(begin: Begin) -> None:
    begun = await begin('env -i PATH="$PATH" setsid sh leaf.sh & trap "" TERM; (sh leaf.sh &); sh leaf.sh; sh leaf.sh')
    await eventually(lambda: len(noted_pids(begun.directory)) == 3)

    os.kill(runners(begun.directory)[0], signal.SIGKILL)
    async with asyncio.timeout(30):
        result = await begun.execution.wait()

    assert result == StepResult(error_message="runner lost: the process that watched over the command was killed")
    assert survivors(begun.directory) == []
    assert begun.output.texts(Stream.STDERR) == []
