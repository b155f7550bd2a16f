"""A stop reaches every process, even those that try to escape."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from solorun.outcome import StepResult
from solorun.record import Stream
from tests.process.steps.conftest import Begin
from tests.process.steps.processes import eventually, noted_pids, shims, survivors

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finding every descendant requires Linux")

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
        os.execve("/bin/sleep", ["sleep", "600"], {})
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
time.sleep(600)
"""
RESPAWN = """
import os, sys, time
with open("pids", "a") as file:
    file.write(f"{os.getpid()}\\n")
end = time.monotonic() + 120
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
    "a grandchild that keeps the pipe open": ("(while :; do echo again; sleep 0.01; done) & sh leaf.sh", 1),
    "many forks": ("exec python3 flood.py", 64),
    "closed descriptors": ("sh leaf.sh <&- >&- 2>&- & sh leaf.sh", 2),
    "its own process group": ("set -m; sh leaf.sh & sh leaf.sh", 2),
    "a cleared environment": ('env -i PATH="$PATH" setsid sh leaf.sh & sh leaf.sh', 2),
    "a daemon": ("exec python3 daemon.py", 2),
    "a signal handler that starts more": (
        "trap 'sh leaf.sh & sh leaf.sh' TERM; sh leaf.sh & wait; sh leaf.sh; sh leaf.sh",
        1,
    ),
    "kill 0": ("trap 'kill -9 0' TERM; setsid sh leaf.sh & sh leaf.sh & wait", 2),
    "forking and exiting in a loop": ("exec python3 respawn.py", 1),
    "forking and exiting in a loop, ignoring SIGTERM": ("trap '' TERM; python3 respawn.py; sh leaf.sh; sh leaf.sh", 2),
    "forking and exiting in a loop, in new sessions": (
        "trap '' TERM; python3 respawn.py setsid; sh leaf.sh; sh leaf.sh",
        2,
    ),
}


@pytest.fixture
def _programs(directory: Path) -> None:
    (directory / "daemon.py").write_text(DAEMON)
    (directory / "flood.py").write_text(FLOOD)
    (directory / "respawn.py").write_text(RESPAWN)


@pytest.mark.parametrize(("command", "processes"), SHAPES.values(), ids=SHAPES)
@pytest.mark.usefixtures("_programs")
async def test_no_process_survives_a_stop(begin: Begin, command: str, processes: int) -> None:
    begun = await begin(command)
    await eventually(lambda: len(noted_pids(begun.directory)) >= processes)

    async with asyncio.timeout(60):
        await begun.execution.stop(0.3)

    assert survivors(begun.directory) == []


async def test_a_command_that_handles_sigterm_gets_its_grace(begin: Begin) -> None:
    begun = await begin("trap 'sleep 0.2; echo cleaned up; exit 0' TERM; echo ready; while :; do sleep 0.01; done")
    await eventually(lambda: begun.output.texts() == ["ready"])

    result = await begun.execution.stop(10)

    assert result == StepResult(0)
    assert begun.output.texts() == ["ready", "cleaned up"]


async def test_a_second_stop_can_shorten_the_grace(begin: Begin) -> None:
    begun = await begin("trap '' TERM; sh leaf.sh; sh leaf.sh")
    await eventually(lambda: noted_pids(begun.directory))

    async with asyncio.timeout(30):
        first = asyncio.create_task(begun.execution.stop(60))
        await asyncio.sleep(0)
        second = await begun.execution.stop(0.1)

    assert second == StepResult(-9, "killed by SIGKILL")
    assert await first is second


async def test_a_second_stop_cannot_lengthen_the_grace(begin: Begin) -> None:
    begun = await begin("trap '' TERM; sh leaf.sh; sh leaf.sh")
    await eventually(lambda: noted_pids(begun.directory))

    async with asyncio.timeout(30):
        first = asyncio.create_task(begun.execution.stop(0.1))
        await asyncio.sleep(0)
        await begun.execution.stop(60)

    assert first.done()


async def test_a_stop_during_the_start_is_not_lost(begin: Begin) -> None:
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


async def test_cancelling_wait_does_not_affect_the_step(begin: Begin) -> None:
    begun = await begin("sh leaf.sh")
    await eventually(lambda: noted_pids(begun.directory))

    waiting = asyncio.create_task(begun.execution.wait())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])

    assert waiting.cancelled()
    assert begun.execution.result is None
    assert not (await begun.execution.stop(5)).succeeded


async def test_cancelling_stop_does_not_cancel_the_stop(begin: Begin) -> None:
    begun = await begin("sh leaf.sh")
    await eventually(lambda: noted_pids(begun.directory))

    stopping = asyncio.create_task(begun.execution.stop(5))
    await asyncio.sleep(0)
    stopping.cancel()

    async with asyncio.timeout(30):
        assert await begun.execution.wait() == StepResult(-15, "killed by SIGTERM")


async def test_output_is_kept_however_long_the_log_is_full(begin: Begin) -> None:
    begun = await begin("sh leaf.sh & until [ -s pids ]; do sleep 0.01; done; seq 1 9000; touch written")
    begun.output.open_gate.clear()
    await eventually((begun.directory / "written").exists)
    await eventually(lambda: begun.execution.result)

    begun.output.open_gate.set()
    await begun.execution.wait()

    assert begun.output.joined() == [str(number) for number in range(1, 9001)]


async def test_a_full_log_blocks_the_command(begin: Begin) -> None:
    begun = await begin("seq 1 100000; touch written")
    begun.output.open_gate.clear()
    await eventually(lambda: is_blocked(begun.directory))

    assert not (begun.directory / "written").exists()
    begun.output.open_gate.set()
    await begun.execution.wait()
    assert begun.output.joined() == [str(number) for number in range(1, 100_001)]


def is_blocked(directory: Path) -> bool:
    """Return whether a process in the directory is blocked on a full pipe."""
    return any(
        Path(f"/proc/{line.split()[0]}/wchan").read_text() in {"pipe_write", "anon_pipe_write"}
        for line in survivors(directory)
    )


FORGE = """
for fd in /proc/$PPID/fd/*; do
  [ -p $fd ] && printf '%b' "$FORGED" > $fd
done
sh leaf.sh
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can open the pipes of its shim")
@pytest.mark.parametrize(
    "forged",
    ["exited 0\\ndone\\n", "stop\\nexited 0\\nleft\\ndone\\n", "\\n\\n \\nstarted x\\nexited x\\n", "x" * 20_000],
    ids=["an end", "requests", "garbage", "an endless line"],
)
async def test_a_command_cannot_forge_its_own_end(begin: Begin, forged: str) -> None:
    begun = await begin(FORGE, env={"FORGED": forged})
    await eventually(lambda: noted_pids(begun.directory))
    await eventually(begun.output.warnings)

    assert begun.execution.result is None
    assert begun.output.warnings() == ["the command wrote to the pipes of its shim; that is ignored"]
    async with asyncio.timeout(30):
        assert await begun.execution.stop(10) == StepResult(-15, "killed by SIGTERM")
    assert survivors(begun.directory) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can open the pipes of its shim")
async def test_an_unfinished_line_in_the_pipe_of_a_shim_does_not_hide_a_stop(begin: Begin) -> None:
    begun = await begin("sh leaf.sh")
    await eventually(lambda: noted_pids(begun.directory))
    [shim] = shims(begun.directory)
    os.kill(shim, signal.SIGSTOP)  # so that it reads the line and the stop together
    for fd in Path(f"/proc/{shim}/fd").iterdir():
        if fd.resolve().name.startswith("pipe:"):
            fd.write_text("unfinished")

    async with asyncio.timeout(60):
        assert await begun.execution.stop(30) == StepResult(-15, "killed by SIGTERM")


@pytest.mark.parametrize("tty", [False, True])
async def test_losing_a_shim_fails_the_step_after_its_orphans_are_gone(begin: Begin, tty: bool) -> None:
    command = 'env -i PATH="$PATH" setsid sh leaf.sh & trap "" TERM HUP; (sh leaf.sh &); sh leaf.sh; sh leaf.sh'
    begun = await begin(command, tty=tty)
    await eventually(lambda: len(noted_pids(begun.directory)) == 3)

    os.kill(shims(begun.directory)[0], signal.SIGKILL)
    async with asyncio.timeout(30):
        result = await begun.execution.wait()

    assert result == StepResult(error_message="shim lost: the process that supervised the command was killed")
    assert survivors(begun.directory) == []
    assert begun.output.texts(Stream.STDERR) == []
