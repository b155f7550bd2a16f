"""Coroutine steps: their results, and how they are stopped."""

import asyncio
import sys
from collections.abc import Awaitable
from typing import Any, NoReturn

import pytest

from solorun.outcome import StepResult
from solorun.record import Level, Stream
from solorun.step import StepContext
from tests.fakes.step_output import LoggedLine, RecordedOutput
from tests.unit.steps.conftest import BeginCoroutine, Function

LIMIT = 60


class BrokenError(Exception):
    def __str__(self) -> NoReturn:
        raise RuntimeError("not even this")

    @property
    def __notes__(self) -> NoReturn:  # type: ignore[override]
        raise RuntimeError("nor this")


class CustomExit(BaseException):
    pass


async def fail(step: StepContext) -> None:
    raise KeyError("title")


async def accept_nothing() -> None:
    """Not a step function: it has no parameter."""


async def fail_again(step: StepContext) -> None:
    try:
        await fail(step)
    except KeyError as error:
        raise ValueError("no title") from error


async def exit_process(step: StepContext) -> None:
    sys.exit(3)


async def interrupt(step: StepContext) -> None:
    raise KeyboardInterrupt


async def raise_base_exception(step: StepContext) -> None:
    raise CustomExit("oh")


async def cancel_itself(step: StepContext) -> None:
    raise asyncio.CancelledError


async def raise_broken_error(step: StepContext) -> None:
    raise BrokenError


async def leak_a_secret(step: StepContext) -> None:
    step.output.add_mask("hunter2")
    raise ValueError("x" * 495 + "hunter2")


async def leak_a_secret_that_ends_in_a_colon(step: StepContext) -> None:
    step.output.add_mask("hunter2:")
    raise ValueError("hunter2:")


def not_a_coroutine(step: StepContext) -> Awaitable[None]:
    raise ValueError("no coroutine")


async def fail_together(step: StepContext) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(fail(step))


async def wait_forever(step: StepContext) -> None:
    await step.log("ready")
    await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("function", "error_message"),
    [
        (fail, "KeyError: 'title'"),
        (exit_process, "SystemExit: 3"),
        (interrupt, "KeyboardInterrupt"),
        (raise_base_exception, "CustomExit: oh"),
        (cancel_itself, "CancelledError: cancelled, but not by its run"),
        (raise_broken_error, "BrokenError"),
        (leak_a_secret, "ValueError: " + "x" * 487 + "…"),
        (leak_a_secret_that_ends_in_a_colon, "ValueError: ***"),
        (not_a_coroutine, "ValueError: no coroutine"),
        (fail_together, "ExceptionGroup: unhandled errors in a TaskGroup (1 sub-exception)"),
    ],
)
async def test_an_exception_becomes_a_failed_result(
    begin: BeginCoroutine, function: Function, error_message: str
) -> None:
    execution = await begin(function)

    async with asyncio.timeout(LIMIT):
        result = await execution.wait()

    assert result == StepResult(None, error_message)
    assert execution.result is result


async def test_the_traceback_is_logged(begin: BeginCoroutine, output: RecordedOutput) -> None:
    await (await begin(fail)).wait()

    assert {line.stream for line in output.records} == {Stream.SOLORUN}
    first, place, *_, last = output.texts(Stream.SOLORUN)
    assert first == "Traceback (most recent call last):"
    assert place.endswith("in fail")
    assert last == "KeyError: 'title'"


@pytest.mark.parametrize(
    ("function", "errors"),
    [
        (fail, ["KeyError: 'title'"]),
        (fail_again, ["KeyError: 'title'", "ValueError: no title"]),
        (fail_together, ["ExceptionGroup: unhandled errors in a TaskGroup (1 sub-exception)", "KeyError: 'title'"]),
        (accept_nothing, ["TypeError: accept_nothing() takes 0 positional arguments but 1 was given"]),
    ],
)
async def test_the_exceptions_are_the_errors_of_a_traceback(
    begin: BeginCoroutine, output: RecordedOutput, function: Function, errors: list[str]
) -> None:
    await (await begin(function)).wait()

    found = [line.text.lstrip(" |") for line in output.records if line.level is Level.ERROR]
    assert found == errors


async def test_secrets_are_masked_in_the_result_and_the_traceback(
    begin: BeginCoroutine, output: RecordedOutput
) -> None:
    result = await (await begin(leak_a_secret)).wait()

    assert "hunt" not in (result.error_message or "")
    assert not [text for text in output.texts(Stream.SOLORUN) if "xhunter2" in text]


async def test_a_coroutine_receives_its_context(begin: BeginCoroutine, output: RecordedOutput) -> None:
    async def generate(step: StepContext) -> None:
        await step.log(f"{step.project} {step.run_id} {step.scope} {step.name} {step.params['date']}", level="warning")
        await step.progress(1, 2, "photon")

    execution = await begin(generate)

    assert execution.result is None
    assert await execution.wait() == StepResult()
    assert output.records == [LoggedLine(Stream.STEP, "handbook 7 full generate today", Level.WARNING)]
    assert output.progresses == [(1, 2, "photon")]


@pytest.mark.parametrize("message", ["text", 3, None, BrokenError(), ["a"]], ids=type)
@pytest.mark.parametrize("level", ["loud", None, [], 3, "info"], ids=str)
async def test_invalid_messages_and_levels_do_not_fail_the_step(
    begin: BeginCoroutine, output: RecordedOutput, message: Any, level: Any
) -> None:
    async def log(step: StepContext) -> None:
        await step.log(message, level=level)

    execution = await begin(log)

    assert await execution.wait() == StepResult()
    assert [(line.stream, line.level) for line in output.records] == [(Stream.STEP, Level.INFO)]


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


async def test_a_failing_log_does_not_change_the_result(
    begin: BeginCoroutine, output: RecordedOutput, caplog: pytest.LogCaptureFixture
) -> None:
    output.error = OSError("the log is broken")

    execution = await begin(fail)

    assert await execution.wait() == StepResult(None, "KeyError: 'title'")
    assert "lost a record of step generate" in caplog.text
