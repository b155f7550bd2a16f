"""A coroutine that blocks the loop is told of, with its place."""

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
from solorun.steps import watchdog
from tests.fakes.step_output import RecordedOutput
from tests.unit.steps.conftest import BeginCoroutine

BLOCKING_SECONDS = 1.2
LIMIT_SECONDS = 60

seen = threading.Event()
"""That the watchdog has seen a block: until then a step blocks, however late its thread has its turn."""


@pytest.fixture(autouse=True)
def _look_for_what_is_seen() -> Iterator[None]:
    class Look(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.set()

    look = Look()
    seen.clear()
    watchdog.logger.addHandler(look)
    yield
    watchdog.logger.removeHandler(look)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """For those who ask where a block was: a third of a second is one already."""
    monkeypatch.setattr(watchdog, "BLOCKED_SECONDS", 0.3)
    monkeypatch.setattr(watchdog, "_ASK_SECONDS", 0.05)


def serialise(value: object) -> str:
    seen.wait(LIMIT_SECONDS)
    return "slow"


async def block(step: StepContext) -> None:
    seen.wait(LIMIT_SECONDS)


async def block_in_a_library(step: StepContext) -> None:
    json.dumps(object(), default=serialise)


async def block_and_go_on(step: StepContext) -> None:
    seen.wait(LIMIT_SECONDS)
    async with asyncio.timeout(LIMIT_SECONDS):
        while not step.output.records:  # type: ignore[attr-defined]
            await asyncio.sleep(0.001)
    await step.log("went on")


async def wait_politely(step: StepContext) -> None:
    await asyncio.sleep(BLOCKING_SECONDS)


async def test_a_coroutine_that_blocks_the_loop_is_warned_of(
    begin: BeginCoroutine, output: RecordedOutput, caplog: pytest.LogCaptureFixture
) -> None:
    execution = await begin(block)
    result = await execution.wait()

    [warning] = output.warnings()
    assert result == StepResult()
    assert re.fullmatch(
        r"the step blocked the event loop for \d+\.\d s at test_watchdog\.py:\d+ in block: everything waited", warning
    )
    async with asyncio.timeout(LIMIT_SECONDS):
        # Its thread may not have said it to everybody yet.
        while "project handbook blocks the event loop at test_watchdog.py" not in caplog.text:
            await asyncio.sleep(0.001)


@pytest.mark.usefixtures("impatient")
async def test_the_warning_comes_as_soon_as_the_loop_goes_on(begin: BeginCoroutine, output: RecordedOutput) -> None:
    await (await begin(block_and_go_on)).wait()

    assert output.warnings() == [output.records[0].text]
    assert output.texts(Stream.STEP) == ["went on"]


@pytest.mark.usefixtures("impatient")
async def test_the_place_is_the_innermost_of_the_projects_own(begin: BeginCoroutine, output: RecordedOutput) -> None:
    await (await begin(block_in_a_library)).wait()

    [warning] = output.warnings()
    assert "in serialise" in warning


@pytest.mark.usefixtures("impatient")
async def test_without_code_of_the_project_it_is_the_steps_function(
    begin: BeginCoroutine, output: RecordedOutput, tmp_path: Path
) -> None:
    await (await begin(block_in_a_library, directory=tmp_path)).wait()

    [warning] = output.warnings()
    assert "in block_in_a_library" in warning


async def test_a_coroutine_that_waits_is_not(begin: BeginCoroutine, output: RecordedOutput) -> None:
    await (await begin(wait_politely)).wait()

    assert output.records == []


async def test_the_service_itself_is_not_taken_for_a_step(
    begin: BeginCoroutine, output: RecordedOutput, caplog: pytest.LogCaptureFixture
) -> None:
    execution = await begin(wait_politely)
    await asyncio.sleep(0.2)

    time.sleep(BLOCKING_SECONDS)
    await execution.wait()

    assert output.records == []
