"""Plain functions as steps: each runs in a thread, and a cancel reaches it there."""

import asyncio
import logging
import re
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from solorun.function_context import FunctionContext, StepCancelled
from solorun.outcome import StepResult, StopEffect
from solorun.record import Level, Stream
from tests.fakes.step_output import LoggedLine, RecordedOutput
from tests.unit.steps.conftest import BeginCoroutine

LIMIT = 60
logger = logging.getLogger("handbook")

begun = threading.Event()
"""Set by a function that has begun to wait for its cancel."""
released = threading.Event()
WARNING = LoggedLine(Stream.SOLORUN, "still running after 1 cancellation", Level.WARNING)


@pytest.fixture(autouse=True)
def not_begun() -> None:
    begun.clear()
    released.clear()


def report(step: FunctionContext) -> None:
    step.log("chapter 1")
    print("printed")
    logger.warning("logged")
    step.progress(1, 2, "chapter 2")
    step.log(f"{step.params['date']} in {threading.current_thread().name}", "warning")


def fail(step: FunctionContext) -> None:
    raise KeyError("title")


def exit_thread(step: FunctionContext) -> None:
    raise SystemExit(3)


async def async_work() -> None:
    """Awaited by no one."""


def forget_to_await(step: FunctionContext) -> Any:
    return async_work()


def poll(step: FunctionContext) -> None:
    begun.set()
    while not step.cancelled:
        time.sleep(0.001)
    step.log("cleaned up")


def call_back(step: FunctionContext) -> None:
    """A long call that reports its progress to a callback."""
    for count in range(10**9):
        step.progress(count)
        begun.set()


def clean_up(step: FunctionContext) -> None:
    try:
        call_back(step)
    finally:
        step.sleep(0)
        step.log("cleaned up")


def sleep(step: FunctionContext) -> None:
    begun.set()
    step.sleep(10**6)


def wait_for_a_command(step: FunctionContext) -> None:
    begun.set()
    step.run("sleep", "1000")


def ignore_the_cancel(step: FunctionContext) -> None:
    begun.set()
    released.wait(LIMIT)


def fail_after_the_cancel(step: FunctionContext) -> None:
    try:
        sleep(step)
    except StepCancelled as cancelled:
        raise OSError("cannot clean up") from cancelled


def lines_of(output: RecordedOutput) -> list[str]:
    return [record.text for record in output.records]


async def test_a_function_runs_in_a_thread_and_reports_to_its_run(
    begin: BeginCoroutine, output: RecordedOutput
) -> None:
    execution = await begin(report)

    async with asyncio.timeout(LIMIT):
        result = await execution.wait()

    assert result == StepResult()
    assert lines_of(output) == ["chapter 1", "printed", "logged", "today in step generate"]


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (fail, "KeyError: 'title'"),
        (exit_thread, "SystemExit: 3"),
        (forget_to_await, "TypeError: the function returned a coroutine; declare an async def"),
    ],
)
async def test_an_error_of_a_function_is_the_result_of_its_step(
    begin: BeginCoroutine, function: Callable[[Any], None], message: str
) -> None:
    execution = await begin(function)

    async with asyncio.timeout(LIMIT):
        result = await execution.wait()

    assert result.error_message == message


async def test_the_traceback_of_a_function_begins_in_the_function(
    begin: BeginCoroutine, output: RecordedOutput
) -> None:
    execution = await begin(fail)

    async with asyncio.timeout(LIMIT):
        await execution.wait()

    assert [line for line in lines_of(output) if line.startswith("  File")] == [
        line for line in lines_of(output) if "in fail" in line
    ]


@pytest.mark.parametrize("function", [poll, call_back, clean_up, sleep, wait_for_a_command])
async def test_a_cancel_reaches_a_function(begin: BeginCoroutine, function: Callable[[Any], None]) -> None:
    execution = await begin(function)
    await asyncio.to_thread(begun.wait, LIMIT)

    async with asyncio.timeout(LIMIT):
        result = await execution.stop(grace_seconds=LIMIT)

    assert (result.error_message, execution.stop_effect) == ("stopped", StopEffect.STOPPED)


@pytest.mark.parametrize("function", [poll, clean_up])
async def test_a_cancelled_function_can_still_log(
    begin: BeginCoroutine, output: RecordedOutput, function: Callable[[Any], None]
) -> None:
    execution = await begin(function)
    await asyncio.to_thread(begun.wait, LIMIT)

    async with asyncio.timeout(LIMIT):
        await execution.stop(grace_seconds=LIMIT)

    assert "cleaned up" in lines_of(output)


async def test_a_function_that_ignores_its_cancel_stays_active_until_it_returns(
    begin: BeginCoroutine, output: RecordedOutput
) -> None:
    execution = await begin(ignore_the_cancel)
    await asyncio.to_thread(begun.wait, LIMIT)
    stopping = asyncio.create_task(execution.stop(grace_seconds=0))

    async with asyncio.timeout(LIMIT):
        while WARNING not in output.records:
            await asyncio.sleep(0)
        was_done = stopping.done()
        released.set()
        result = await stopping

    assert (was_done, result, execution.stop_effect) == (False, StepResult(), StopEffect.IGNORED)


async def test_an_error_after_a_cancel_is_reported(begin: BeginCoroutine) -> None:
    execution = await begin(fail_after_the_cancel)
    await asyncio.to_thread(begun.wait, LIMIT)

    async with asyncio.timeout(LIMIT):
        result = await execution.stop(grace_seconds=LIMIT)

    assert (result.error_message, execution.stop_effect) == ("OSError: cannot clean up", StopEffect.STOPPED)


async def test_the_position_of_a_function_is_reported_when_it_is_cancelled(
    begin: BeginCoroutine, positions: list[str]
) -> None:
    execution = await begin(sleep)
    await asyncio.to_thread(begun.wait, LIMIT)

    async with asyncio.timeout(LIMIT):
        await execution.stop(grace_seconds=LIMIT)

    assert [re.sub(r":\d+ in", "", position) for position in positions] == ["test_functions.py sleep"]


async def test_the_context_of_a_function_refuses_calls_on_the_event_loop(begin: BeginCoroutine) -> None:
    contexts: list[FunctionContext] = []

    def keep(step: FunctionContext) -> None:
        contexts.append(step)

    execution = await begin(keep)
    async with asyncio.timeout(LIMIT):
        await execution.wait()

    with pytest.raises(RuntimeError, match="on the event loop"):
        contexts[0].log("late")
