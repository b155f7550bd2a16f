"""Coroutine steps: their context and their results."""

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


async def time_out(step: StepContext) -> None:
    """Its cause has no message."""
    try:
        raise asyncio.CancelledError
    except asyncio.CancelledError as error:
        raise TimeoutError from error


async def fail_in_a_circle(step: StepContext) -> None:
    first, second = ValueError("first"), KeyError("second")
    second.__cause__ = first
    raise first from second


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
        (
            fail_together,
            "ExceptionGroup: unhandled errors in a TaskGroup (1 sub-exception) (caused by KeyError: 'title')",
        ),
        (fail_again, "ValueError: no title (caused by KeyError: 'title')"),
        (time_out, "TimeoutError"),
        (fail_in_a_circle, "ValueError: first (caused by KeyError: 'second')"),
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


async def test_a_failing_log_does_not_change_the_result(
    begin: BeginCoroutine, output: RecordedOutput, caplog: pytest.LogCaptureFixture
) -> None:
    output.error = OSError("the log is broken")

    execution = await begin(fail)

    assert await execution.wait() == StepResult(None, "KeyError: 'title'")
    assert "lost a record of step generate" in caplog.text
