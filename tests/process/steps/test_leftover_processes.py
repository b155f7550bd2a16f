"""Processes that a command leaves behind end before its step does."""

import asyncio
import sys

import pytest

from solorun.outcome import StepResult
from solorun.steps.command_limits import CommandLimits
from tests.fakes.step_output import RecordedOutput
from tests.process.steps.conftest import Begin
from tests.process.steps.processes import eventually, noted_pids, survivors

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finding every descendant requires Linux")


async def test_the_commands_that_clean_up_are_not_terminated(begin: Begin) -> None:
    clean_up = 'for n in 1 2 3 4 5; do sh -c "sleep 0.02; echo cleaned $n"; done; exit 0'
    begun = await begin(f"trap '{clean_up}' TERM; sh leaf.sh & wait")
    await eventually(lambda: noted_pids(begun.directory))

    result = await begun.execution.stop(60)

    assert result == StepResult(0)
    assert begun.output.texts() == [f"cleaned {number}" for number in range(1, 6)]


async def test_the_name_of_a_process_left_behind_is_masked(begin: Begin) -> None:
    output = RecordedOutput(["a  secret"])
    begun = await begin("sh -c 'sleep 600; :' 'a  secret' &", output=output)

    await begun.execution.wait()

    [warning] = output.warnings()
    assert "***" in warning
    assert "secret" not in warning


async def test_processes_left_behind_by_a_command_are_terminated(begin: Begin) -> None:
    begun = await begin("(echo from the child; sh leaf.sh) & until [ -s pids ]; do sleep 0.01; done; echo done")

    async with asyncio.timeout(30):
        result = await begun.execution.wait()

    assert result == StepResult(0)
    assert sorted(begun.output.texts()) == ["done", "from the child"]
    [left] = noted_pids(begun.directory)
    assert begun.output.warnings() == [f"command exited; terminating the processes it left behind: {left} (sleep 600)"]
    assert survivors(begun.directory) == []


@pytest.mark.parametrize("limits", [CommandLimits(drain_seconds=60.0, max_drain_seconds=60.0)])
async def test_processes_that_exit_soon_after_their_command_are_not_mentioned(begin: Begin) -> None:
    begun = await begin("(exec >/dev/null 2>&1; while kill -0 $$; do sleep 0.01; done; sleep 0.1) & exit 0")
    async with asyncio.timeout(30):
        await begun.execution.wait()

    assert begun.output.warnings() == []


async def test_a_long_list_of_processes_left_behind_is_cut_and_masked(begin: Begin) -> None:
    command = "import time; time.sleep(60)"
    begun = await begin(
        f"for n in 1 2 3 4 5 6 7; do {sys.executable} -c '{command}' hunter2hunter2 & done; exit 0",
        output=RecordedOutput(["hunter2hunter2"]),
    )

    await begun.execution.wait()

    [warning] = begun.output.warnings()
    assert warning.count("time.sleep(60) ***)") == 5
    assert warning.endswith(" and 2 more")


async def test_a_grandchild_that_never_stops_writing_is_terminated(begin: Begin) -> None:
    begun = await begin("yes again & echo mine; exit 0")

    async with asyncio.timeout(30):
        await begun.execution.wait()

    assert "mine" in begun.output.texts()
    assert survivors(begun.directory) == []
