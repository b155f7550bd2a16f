"""Coroutine steps in the test's own loop."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol

import pytest

from solorun.project import CoroutineStep, Project
from solorun.step import StepContext, StepExecution
from solorun.steps import StepDispatcher
from tests.fakes.step_output import RecordedOutput

Function = Callable[[Any], Awaitable[None]]


class BeginCoroutine(Protocol):
    async def __call__(self, function: Function, *, directory: Path | None = None) -> StepExecution: ...


@pytest.fixture
def output() -> RecordedOutput:
    return RecordedOutput()


@pytest.fixture
def begin(tmp_path: Path, output: RecordedOutput) -> BeginCoroutine:
    step_runner = StepDispatcher(tmp_path / "data", {})

    async def begin(function: Function, *, directory: Path | None = None) -> StepExecution:
        step = CoroutineStep("generate", "handbook:generate", function)
        project = Project("handbook", "Handbook", directory or Path(__file__).parent, (step,))
        context = StepContext("handbook", 7, "full", "generate", {"date": "today"}, tmp_path, tmp_path, output)
        return await step_runner.start(project, step, context)

    return begin
