"""What a command does after it was asked to stop, and which processes it had."""

import asyncio
import os
import signal
import sys

import pytest

from solorun.outcome import StopEffect
from solorun.project import CoroutineStep, Project
from solorun.step import StepContext
from solorun.steps import StepDispatcher
from tests.fakes.step_output import RecordedOutput
from tests.process.steps.conftest import Begin
from tests.process.steps.processes import eventually, noted_pids, shims, sleeping_leaves

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finding every descendant requires Linux")


@pytest.mark.parametrize(
    ("command", "grace", "effect"),
    [
        ("exec sh leaf.sh", 30, StopEffect.STOPPED),
        ("trap 'exit 0' TERM; sh leaf.sh & wait", 30, StopEffect.STOPPED),
        ("trap '' TERM; exec sh leaf.sh", 0.1, StopEffect.KILLED),
        ("(trap '' TERM; exec sh leaf.sh) & wait", 0.1, StopEffect.KILLED),
        ("exec sh leaf.sh", 0, StopEffect.KILLED),
    ],
    ids=["obeys", "cleans up", "ignores SIGTERM", "leaves a child that ignores SIGTERM", "has no grace"],
)
async def test_the_effect_of_a_stop_is_what_the_processes_did(
    begin: Begin, command: str, grace: float, effect: StopEffect
) -> None:
    begun = await begin(command)
    await eventually(lambda: noted_pids(begun.directory))
    assert begun.execution.stop_effect is None

    async with asyncio.timeout(60):
        await begun.execution.stop(grace)

    assert begun.execution.stop_effect is effect


async def test_a_command_that_ended_before_its_stop_has_no_effect(begin: Begin) -> None:
    begun = await begin("true")
    await begun.execution.wait()

    await begun.execution.stop(30)

    assert begun.execution.stop_effect is None
    assert begun.positions == []


async def test_processes_that_a_command_leaves_behind_are_no_effect_of_a_stop(begin: Begin) -> None:
    begun = await begin("sh leaf.sh & exit 0")

    await begun.execution.wait()

    assert begun.execution.stop_effect is None
    assert begun.positions == []


async def test_a_command_whose_shim_is_killed_while_it_stops_was_killed(begin: Begin) -> None:
    begun = await begin("trap '' TERM; sh leaf.sh; sh leaf.sh")
    await eventually(lambda: noted_pids(begun.directory))
    stopping = asyncio.create_task(begun.execution.stop(60))
    await eventually(lambda: begun.positions)

    os.kill(shims(begun.directory)[0], signal.SIGKILL)

    async with asyncio.timeout(60):
        await stopping
    assert begun.execution.stop_effect is StopEffect.KILLED


async def test_the_position_is_the_tree_of_processes(begin: Begin) -> None:
    begun = await begin("(sh leaf.sh; true) & sh leaf.sh; true")
    await eventually(lambda: len(sleeping_leaves(begun.directory)) == 2)

    await begun.execution.stop(30)

    shell, *children = begun.positions
    leaves = {line.lstrip().split(" ")[0]: line for line in begun.positions}
    assert shell.endswith(" (…/sh -c (sh leaf.sh; true) & sh leaf.sh; true)")
    assert sorted(len(line) - len(line.lstrip()) for line in children) == [2, 2, 4]
    assert all(leaves[str(pid)].endswith(" (sleep 600)") for pid in noted_pids(begun.directory))


async def test_the_position_is_known_while_the_command_is_stopping(begin: Begin) -> None:
    begun = await begin("trap 'touch asked' TERM; echo ready; while ! [ -e go ]; do sleep 0.01; done")
    await eventually(lambda: begun.output.texts() == ["ready"])

    stopping = asyncio.create_task(begun.execution.stop(60))
    await eventually(lambda: begun.positions)

    assert not stopping.done()
    (begun.directory / "go").touch()
    await stopping
    assert begun.execution.stop_effect is StopEffect.STOPPED


async def test_a_large_tree_is_cut(begin: Begin) -> None:
    begun = await begin("for i in $(seq 30); do sh leaf.sh & done; wait")
    await eventually(lambda: len(noted_pids(begun.directory)) == 30)

    await begun.execution.stop(30)

    assert begun.positions[0].endswith(" (…/sh -c for i in $(seq 30); do sh leaf.sh & done; wait)")
    assert (len(begun.positions), begun.positions[-1]) == (21, "and 11 more")


@pytest.mark.parametrize("padding", [0, 129, 135, 140])
async def test_secrets_and_directories_in_command_lines_are_hidden(begin: Begin, padding: int) -> None:
    """Whatever the padding: a command line that is cut inside a secret does not show its beginning."""
    begun = await begin(
        (
            "/bin/sh",
            "-c",
            "echo $$ > pids; while :; do sleep 0.01; done",
            "/srv/jobs/run.sh",
            "x" * padding,
            "tr0ub4dor",
        ),
        output=RecordedOutput(secrets=["tr0ub4dor"]),
    )
    await eventually(lambda: noted_pids(begun.directory))

    await begun.execution.stop(30)

    assert "tr0" not in begun.positions[0]
    assert "/srv" not in begun.positions[0]
    assert "…/run.sh" in begun.positions[0]


async def test_the_position_of_a_coroutine_ends_with_the_processes_of_its_command(
    dispatcher: StepDispatcher, begin: Begin
) -> None:
    begun = await begin("true")
    await begun.execution.wait()

    async def publish(step: StepContext) -> None:
        await step.run("sh", "leaf.sh")

    step = CoroutineStep("publish", "handbook:publish", publish)
    project = Project("handbook", "Handbook", begun.directory, (step,))
    positions: list[str] = []
    context = StepContext(
        "handbook", 7, "full", "publish", {}, begun.directory, begun.directory, begun.output,
        report_position=positions.extend,
    )  # fmt: skip
    execution = await dispatcher.start(project, step, context)
    await eventually(lambda: sleeping_leaves(begun.directory))

    await execution.stop(30)

    frame, process = positions
    assert frame.endswith("in publish")
    assert process.endswith(" (sleep 600)")
    assert execution.stop_effect is StopEffect.STOPPED
