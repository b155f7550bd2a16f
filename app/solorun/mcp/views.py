"""What the tools return: the parts of projects, runs and logs that an agent needs, bounded in size."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final, Self

from pydantic import BaseModel, Field

from solorun.record import Level, Record
from solorun.run import Run, RunStep
from solorun.status import Status, StepStatus
from solorun.text.line_joiner import LineJoiner
from solorun.wire.projects import ProjectSummary

MAX_TEXT: Final = 1_000
MAX_LOG_CHARACTERS: Final = 40_000
"""Of one answer. A model's context is small."""


class ParameterView(BaseModel):
    name: str
    type: str
    required: bool
    description: str
    choices: list[str]
    default: Any = None
    secret: bool


class ProjectView(BaseModel):
    name: str
    title: str
    scopes: list[str] = Field(description="What a run may include: all steps (full), one step, or from:STEP")
    params: list[ParameterView]
    active_run: int | None
    last_run: int | None
    last_status: Status | None
    queued_runs: list[int]

    @classmethod
    def of(cls, project: ProjectSummary) -> Self:
        last, active = project.last_run, project.current_run
        return cls(
            name=project.name,
            title=project.title,
            scopes=list(project.scopes),
            params=[ParameterView.model_validate(each, from_attributes=True) for each in project.params],
            active_run=active.id if active and not active.has_ended else None,
            last_run=last.id if last else None,
            last_status=last.status if last else None,
            queued_runs=[run.id for run in project.queued_runs],
        )


class ProjectsView(BaseModel):
    projects: list[ProjectView]
    patterns: list[str] = Field(description="Name patterns, such as docs-*: any matching name is a project too")
    truncated: bool


class StepView(BaseModel):
    name: str
    status: StepStatus
    exit_code: int | None
    error: str | None
    seconds: float | None

    @classmethod
    def of(cls, step: RunStep) -> Self:
        error, seconds = cut(step.error_message), _seconds(step.started_at, step.finished_at)
        return cls(name=step.name, status=step.status, exit_code=step.exit_code, error=error, seconds=seconds)


class RunView(BaseModel):
    id: int
    project: str
    scope: str
    status: Status
    has_ended: bool
    error: str | None
    triggered_by: str
    params: dict[str, Any]
    created_at: datetime
    seconds: float | None = Field(description="How long the work took; None until the run has ended")
    current_step: str | None
    steps: list[StepView]
    warnings: int
    errors: int
    rerun_of: int | None
    queue_position: int | None
    cancel_requested_by: str | None
    cancel_reason: str | None
    url: str = Field(description="The run's page in the dashboard")

    @classmethod
    def of(cls, run: Run, url: str) -> Self:
        changed: dict[str, Any] = {
            "error": cut(run.error_message),
            "params": {name: cut(value) if isinstance(value, str) else value for name, value in run.params.items()},
            "seconds": _seconds(run.started_at, run.finished_at),
            "steps": [StepView.of(step) for step in run.steps],
            "warnings": run.level_counts.warning,
            "errors": run.level_counts.error,
            "url": url,
        }
        return cls(**{name: getattr(run, name) for name in cls.model_fields.keys() - changed}, **changed)


class RunsView(BaseModel):
    runs: list[RunView]
    more: bool = Field(description="Whether there are older runs that match")


class RerunView(RunView):
    warning: str | None = Field(description="That a newer run may have changed the results it builds on")


class ArtifactView(BaseModel):
    name: str
    size_bytes: int
    url: str


class RunDetails(BaseModel):
    run: RunView
    artifacts: list[ArtifactView]
    more_artifacts: bool


class LineView(BaseModel):
    seq: int = Field(description="The position in the log, from 1")
    time: datetime
    level: Level
    step: str | None
    text: str


class LogView(BaseModel):
    lines: list[LineView]
    matches: int = Field(description="How many lines of the whole log pass the filters")
    next: int | None = Field(description="Pass it as `after` if you passed `after`, else as `before`, to read on")


class FollowView(BaseModel):
    run: RunView
    lines: list[LineView] = Field(description="The last lines so far")


class FailureView(BaseModel):
    run: RunView
    command: str | None = Field(description="The command that failed, as declared; None for a Python function")
    lines: list[LineView] = Field(description="The first error with the lines around it, or the end of the log")
    errors: list[LineView] = Field(description="The last lines of the level error")


def lines_of(records: Iterable[Record]) -> list[LineView]:
    """The lines of the records, as a terminal would show them and without control characters."""
    joiner = LineJoiner(colour=False, raw=False)
    lines = [line for record in records for line in joiner.add(record)]
    return [
        LineView(seq=record.seq, time=record.time, level=record.level, step=record.step, text=cut(text) or "")
        for record, text in [*lines, *joiner.finish()]
    ]


def fit(records: Iterable[Record]) -> list[Record]:
    """The first records whose messages fit into one answer, at least one."""
    kept: list[Record] = []
    left = MAX_LOG_CHARACTERS
    for record in records:
        left -= min(len(record.message), MAX_TEXT)
        if left < 0 and kept:
            break
        kept.append(record)
    return kept


def cut(text: str | None) -> str | None:
    return f"{text[:MAX_TEXT]}…" if text is not None and len(text) > MAX_TEXT else text


def _seconds(begin: datetime | None, end: datetime | None) -> float | None:
    return round((end - begin).total_seconds(), 3) if begin and end else None
