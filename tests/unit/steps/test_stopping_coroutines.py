"""How coroutine steps are stopped."""

import asyncio

from solorun.outcome import StepResult
from solorun.record import Stream
from solorun.step import StepContext
from tests.fakes.step_output import RecordedOutput
from tests.unit.steps.conftest import BeginCoroutine

LIMIT = 60


async def wait_forever(step: StepContext) -> None:
    await step.log("ready")
    await asyncio.Event().wait()


async def test_a_stopped_coroutine_can_clean_up(begin: BeginCoroutine, output: RecordedOutput) -> None:
    async def clean_up(step: StepContext) -> None:
        try:
            await wait_forever(step)
        finally:
            await asyncio.sleep(0.01)
            await step.log("cleaned up")

    execution = await begin(clean_up)
    await asyncio.sleep(0)

    assert await execution.stop(LIMIT) == StepResult(None, "stopped")
    assert output.texts(Stream.STEP) == ["ready", "cleaned up"]
    assert output.warnings() == []


async def test_a_stop_before_the_first_instruction_is_not_lost(begin: BeginCoroutine, output: RecordedOutput) -> None:
    execution = await begin(wait_forever)

    assert await execution.stop(LIMIT) == StepResult(None, "stopped")
    assert output.records == []


async def test_a_coroutine_that_returns_when_stopped_has_succeeded(begin: BeginCoroutine) -> None:
    async def swallow(step: StepContext) -> None:
        try:
            await wait_forever(step)
        except asyncio.CancelledError:
            return

    execution = await begin(swallow)
    await asyncio.sleep(0)

    assert await execution.stop(LIMIT) == StepResult()


async def test_a_coroutine_that_fails_while_stopping_reports_its_error(
    begin: BeginCoroutine, output: RecordedOutput
) -> None:
    async def fail_late(step: StepContext) -> None:
        try:
            await wait_forever(step)
        finally:
            raise ValueError("while cleaning up")

    execution = await begin(fail_late)
    await asyncio.sleep(0)

    assert await execution.stop(LIMIT) == StepResult(None, "ValueError: while cleaning up")
    assert output.texts(Stream.SOLORUN)[-1] == "ValueError: while cleaning up"


async def test_a_coroutine_that_ignores_cancellation_is_cancelled_again_with_a_warning(
    begin: BeginCoroutine, output: RecordedOutput
) -> None:
    cancels = 0

    async def swallow(step: StepContext) -> None:
        nonlocal cancels
        while cancels < 3:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancels += 1

    execution = await begin(swallow)
    await asyncio.sleep(0)

    async with asyncio.timeout(LIMIT):
        result = await execution.stop(0.01)

    assert result == StepResult()
    assert cancels == 3
    assert output.warnings() == ["still running after 1 cancellation", "still running after 2 cancellations"]


async def test_a_second_stop_can_shorten_the_grace(begin: BeginCoroutine) -> None:
    cancels = 0

    async def swallow(step: StepContext) -> None:
        nonlocal cancels
        while cancels < 2:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancels += 1

    execution = await begin(swallow)
    await asyncio.sleep(0)
    first = asyncio.create_task(execution.stop(60))
    await asyncio.sleep(0)

    async with asyncio.timeout(LIMIT):
        assert await execution.stop(0) == StepResult()
        assert await first == StepResult()
        assert await execution.stop(0) == StepResult()

    assert cancels == 2


async def test_cancelling_wait_does_not_affect_the_step(begin: BeginCoroutine) -> None:
    execution = await begin(wait_forever)
    waiting = asyncio.create_task(execution.wait())
    await asyncio.sleep(0)

    waiting.cancel()
    await asyncio.wait([waiting])

    assert execution.result is None
    assert not (await execution.stop(LIMIT)).succeeded


async def test_a_coroutine_waiting_for_a_full_log_can_be_stopped(begin: BeginCoroutine, output: RecordedOutput) -> None:
    output.open_gate.clear()
    execution = await begin(wait_forever)
    await asyncio.sleep(0)

    assert await execution.stop(LIMIT) == StepResult(None, "stopped")
