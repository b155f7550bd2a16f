"""Real commands under real runners."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest

from solorun.project import CommandStep, Project
from solorun.step import StepContext, StepExecution
from solorun.steps import StepDispatcher, become_subreaper
from tests.fakes.step_output import RecordedOutput

LEAF = "echo $$ >> pids; exec sleep 60\n"
"""A process that notes its pid and lives on."""


@dataclass(frozen=True, slots=True)
class Begun:
    execution: StepExecution
    output: RecordedOutput
    directory: Path


class Begin(Protocol):
    async def __call__(
        self,
        run: str | tuple[str, ...],
        *,
        output: RecordedOutput | None = None,
        env: Mapping[str, str] = {},
        params: Mapping[str, str] = {},
        run_id: int = 7,
    ) -> Begun: ...


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Where commands work; `leaf.sh` is there."""
    path = tmp_path / "work"
    path.mkdir()
    (path / "leaf.sh").write_text(LEAF)
    return path


@pytest.fixture
def step_runner(tmp_path: Path) -> StepDispatcher:
    become_subreaper()
    return StepDispatcher(tmp_path / "data", {**os.environ, "SOLORUN_TOKEN": "s3cret", "SOLORUN_PORT": "1"})


@pytest.fixture
def begin(step_runner: StepDispatcher, directory: Path, tmp_path: Path) -> Begin:
    async def begin(
        run: str | tuple[str, ...],
        *,
        output: RecordedOutput | None = None,
        env: Mapping[str, str] = {},
        params: Mapping[str, str] = {},
        run_id: int = 7,
    ) -> Begun:
        step = CommandStep("extract", run)
        project = Project("handbook", "Handbook", directory, (step,), env=env)
        output = output or RecordedOutput()
        context = StepContext(
            project="handbook",
            run_id=run_id,
            scope="full",
            name="extract",
            params=params,
            workspace=directory,
            artifacts=tmp_path / "data" / "artifacts" / str(run_id),
            output=output,
        )
        return Begun(await step_runner.start(project, step, context), output, directory)

    return begin
