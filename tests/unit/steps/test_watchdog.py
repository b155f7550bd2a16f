"""Warnings about coroutines that block the event loop."""

import asyncio
import json
import logging
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from solorun.outcome import StepResult
from solorun.record import Stream
from solorun.step import StepContext
from solorun.steps.watchdog import logger
from tests.fakes.step_output import RecordedOutput
from tests.unit.steps.conftest import BeginCoroutine

BLOCKING_SECONDS = 1.2
LIMIT_SECONDS = 60

seen = threading.Event()
"""Set when the watchdog has seen a block. Steps block until then, however late its thread is scheduled."""


@pytest.fixture(autouse=True)
def _watch_for_warnings() -> Iterator[None]:
    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.set()

    handler = Handler()
    seen.clear()
    logger.addHandler(handler)
    yield
    logger.removeHandler(handler)


@pytest.fixture
def blocked_seconds() -> float:
    return 1.0


IMPATIENT = pytest.mark.parametrize("blocked_seconds", [0.3])
"""For tests that check the reported place, not the duration."""


def serialise(value: object) -> str:
    seen.wait(LIMIT_SECONDS)
    return "slow"


async def block(step: StepContext) -> None:
    seen.wait(LIMIT_SECONDS)


async def block_in_a_library(step: StepContext) -> None:
    json.dumps(object(), default=serialise)


async def sleep(step: StepContext) -> None:
    await asyncio.sleep(BLOCKING_SECONDS)


async def test_blocking_the_loop_logs_a_warning(
    begin: BeginCoroutine, output: RecordedOutput, caplog: pytest.LogCaptureFixture
) -> None:
    execution = await begin(block)
    result = await execution.wait()

    [warning] = output.warnings()
    assert result == StepResult()
    assert re.fullmatch(r"step blocked the event loop for \d+\.\d s at test_watchdog\.py:\d+ in block", warning)
    async with asyncio.timeout(LIMIT_SECONDS):
        # The thread may not have reached every log handler yet.
        while "project handbook is blocking the event loop at test_watchdog.py" not in caplog.text:
            await asyncio.sleep(0.001)


@IMPATIENT
async def test_the_warning_is_logged_as_soon_as_the_loop_continues(
    begin: BeginCoroutine, output: RecordedOutput
) -> None:
    async def block_and_continue(step: StepContext) -> None:
        seen.wait(LIMIT_SECONDS)
        async with asyncio.timeout(LIMIT_SECONDS):
            while not output.records:
                await asyncio.sleep(0.001)
        await step.log("continued")

    await (await begin(block_and_continue)).wait()

    assert output.warnings() == [output.records[0].text]
    assert output.texts(Stream.STEP) == ["continued"]


@IMPATIENT
async def test_the_warning_names_the_innermost_frame_of_the_project(
    begin: BeginCoroutine, output: RecordedOutput
) -> None:
    await (await begin(block_in_a_library)).wait()

    [warning] = output.warnings()
    assert "in serialise" in warning


@IMPATIENT
async def test_without_frames_of_the_project_the_warning_names_the_step_function(
    begin: BeginCoroutine, output: RecordedOutput, tmp_path: Path
) -> None:
    await (await begin(block_in_a_library, directory=tmp_path)).wait()

    [warning] = output.warnings()
    assert "in block_in_a_library" in warning


async def test_a_coroutine_that_awaits_logs_no_warning(begin: BeginCoroutine, output: RecordedOutput) -> None:
    await (await begin(sleep)).wait()

    assert output.records == []


async def test_blocking_outside_of_steps_logs_no_warning_for_a_step(
    begin: BeginCoroutine, output: RecordedOutput, caplog: pytest.LogCaptureFixture
) -> None:
    execution = await begin(sleep)
    await asyncio.sleep(0.2)

    time.sleep(BLOCKING_SECONDS)
    await execution.wait()

    assert output.records == []
