"""Coroutine steps on the test's event loop."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol

import pytest

from solorun.project import CoroutineStep, Project
from solorun.step import StepContext, StepExecution
from solorun.steps import StepDispatcher
from solorun.steps.watchdog import Watchdog
from tests.fakes.step_output import RecordedOutput

Function = Callable[[Any], Awaitable[None] | None]


class BeginCoroutine(Protocol):
    async def __call__(self, function: Function, *, directory: Path | None = None) -> StepExecution: ...


@pytest.fixture
def output() -> RecordedOutput:
    return RecordedOutput()


@pytest.fixture
def positions() -> list[str]:
    """Where the coroutine was when it was asked to stop."""
    return []


@pytest.fixture
def blocked_seconds() -> float:
    """Tests of the watchdog replace this. For others, a busy machine must not look like a blocked loop."""
    return 60.0


@pytest.fixture
def begin(tmp_path: Path, output: RecordedOutput, positions: list[str], blocked_seconds: float) -> BeginCoroutine:
    dispatcher = StepDispatcher(tmp_path / "data", {}, watchdog=Watchdog(blocked_seconds=blocked_seconds))

    async def begin(function: Function, *, directory: Path | None = None) -> StepExecution:
        step = CoroutineStep("generate", "handbook:generate", function)
        project = Project("handbook", "Handbook", directory or Path(__file__).parent, (step,))
        context = StepContext(
            "handbook", 7, "full", "generate", {"date": "today"}, tmp_path, tmp_path, output,
            report_position=positions.extend,
        )  # fmt: skip
        return await dispatcher.start(project, step, context)

    return begin
