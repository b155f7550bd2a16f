"""What a coroutine does after it was asked to stop, and where it was."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import NoReturn

import pytest

from solorun.outcome import StopEffect
from solorun.step import StepContext
from tests.fakes.step_output import RecordedOutput
from tests.unit.steps.conftest import BeginCoroutine, Function

LIMIT = 30.0


async def wait() -> NoReturn:
    await asyncio.Event().wait()
    raise AssertionError


async def obey(step: StepContext) -> None:
    await wait()


async def clean_up(step: StepContext) -> None:
    try:
        await wait()
    finally:
        await asyncio.sleep(0.01)


async def wait_in_a_group(step: StepContext) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(wait())


async def fail_to_clean_up(step: StepContext) -> None:
    try:
        await wait()
    finally:
        raise OSError("the lock file is gone")


async def translate_the_error(step: StepContext) -> None:
    try:
        await wait()
    except asyncio.CancelledError as error:
        raise TimeoutError from error


async def return_normally(step: StepContext) -> None:
    with suppress(asyncio.CancelledError):
        await wait()


async def fail_later(step: StepContext) -> None:
    with suppress(asyncio.CancelledError):
        await wait()
    raise ValueError("no such term")


async def take_two_cancellations(step: StepContext) -> None:
    with suppress(asyncio.CancelledError):
        await wait()
    await wait()


@pytest.mark.parametrize(
    ("function", "grace", "effect"),
    [
        (obey, LIMIT, StopEffect.STOPPED),
        (clean_up, LIMIT, StopEffect.STOPPED),
        (wait_in_a_group, LIMIT, StopEffect.STOPPED),
        (fail_to_clean_up, LIMIT, StopEffect.STOPPED),
        (translate_the_error, LIMIT, StopEffect.STOPPED),
        (return_normally, LIMIT, StopEffect.IGNORED),
        (fail_later, LIMIT, StopEffect.IGNORED),
        (take_two_cancellations, 0.01, StopEffect.IGNORED),
        (obey, 0.0, StopEffect.STOPPED),
        (wait_in_a_group, 0.0, StopEffect.STOPPED),
        (clean_up, 0.0, StopEffect.IGNORED),
    ],
)
async def test_the_effect_of_a_stop_is_what_the_coroutine_did(
    begin: BeginCoroutine, function: Function, grace: float, effect: StopEffect
) -> None:
    execution = await begin(function)
    await asyncio.sleep(0)
    assert execution.stop_effect is None

    async with asyncio.timeout(LIMIT):
        await execution.stop(grace)

    assert execution.stop_effect is effect


async def test_a_coroutine_that_never_began_was_stopped(begin: BeginCoroutine, positions: list[str]) -> None:
    execution = await begin(obey)

    await execution.stop(LIMIT)

    assert execution.stop_effect is StopEffect.STOPPED
    assert positions == []


async def test_a_coroutine_that_ended_before_its_stop_has_no_effect(begin: BeginCoroutine) -> None:
    async def end(step: StepContext) -> None: ...

    execution = await begin(end)
    await execution.wait()

    await execution.stop(LIMIT)

    assert execution.stop_effect is None


async def test_a_circle_of_causes_ends(begin: BeginCoroutine) -> None:
    async def fail(step: StepContext) -> None:
        first, second = ValueError("first"), ValueError("second")
        first.__cause__, second.__cause__ = second, first
        with suppress(asyncio.CancelledError):
            await wait()
        raise first

    execution = await begin(fail)
    await asyncio.sleep(0)

    await execution.stop(LIMIT)

    assert execution.stop_effect is StopEffect.IGNORED


async def test_the_position_is_the_stack_of_the_coroutine(
    begin: BeginCoroutine, positions: list[str], output: RecordedOutput
) -> None:
    async def publish(step: StepContext) -> None:
        await obey(step)

    execution = await begin(publish)
    await asyncio.sleep(0)

    await execution.stop(LIMIT)

    names = [line.split(":")[0] + " " + line.rpartition(" ")[2] for line in positions]
    assert names == [*(f"test_stop_effects.py {name}" for name in ("publish", "obey", "wait")), "locks.py wait"]


async def test_the_position_ends_at_a_call_of_ours(
    begin: BeginCoroutine, positions: list[str], output: RecordedOutput
) -> None:
    async def publish(step: StepContext) -> None:
        await step.log("waits, because the log is full")

    output.open_gate.clear()
    execution = await begin(publish)
    await asyncio.sleep(0)

    await execution.stop(LIMIT)

    assert [line.rpartition(" ")[2] for line in positions] == ["publish"]


async def test_a_deep_stack_keeps_its_innermost_frames(begin: BeginCoroutine, positions: list[str]) -> None:
    async def descend(depth: int) -> None:
        await (descend(depth - 1) if depth else wait())

    async def publish(step: StepContext) -> None:
        await descend(100)

    execution = await begin(publish)
    await asyncio.sleep(0)

    await execution.stop(LIMIT)

    assert (positions[0], len(positions)) == ("…", 21)
    assert positions[-1].startswith("locks.py:")


async def test_generators_are_part_of_the_stack(begin: BeginCoroutine, positions: list[str]) -> None:
    class Awaitable:
        def __await__(self):  # type: ignore[no-untyped-def]
            yield from wait().__await__()

    @asynccontextmanager
    async def opened() -> AsyncIterator[None]:
        await Awaitable()
        yield

    async def publish(step: StepContext) -> None:
        async with opened():
            raise AssertionError

    execution = await begin(publish)
    await asyncio.sleep(0)

    await execution.stop(LIMIT)

    assert positions[0].endswith("in publish")
    assert not any(line.startswith("/") for line in positions)


async def test_places_are_relative_to_the_project(begin: BeginCoroutine, positions: list[str]) -> None:
    execution = await begin(obey, directory=Path(__file__).parents[2])
    await asyncio.sleep(0)

    await execution.stop(LIMIT)

    assert positions[0].startswith("unit/steps/test_stop_effects.py:")
