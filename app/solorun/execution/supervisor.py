"""Carries one run from its first step to its outcome. It computes the outcome; another place writes it."""

import asyncio
import signal
from typing import Final

from solorun.execution.artifacts import list_artifacts
from solorun.execution.handle import RunHandle
from solorun.outcome import Outcome, StepResult, StopReason
from solorun.project import StepDeclaration
from solorun.record import Event, Level
from solorun.run import Artifact
from solorun.settings import DataDirectory, format_duration
from solorun.status import Status, StepStatus, UpdateResult
from solorun.step import StepContext, StepExecutor

_INTERRUPTED_MESSAGE: Final = "the service was shut down"


class Supervisor:
    """Executes the steps of runs, one after another, each waited for inside the run's cancel scope."""

    def __init__(self, *, executor: StepExecutor, directory: DataDirectory) -> None:
        self._executor = executor
        self._directory = directory

    async def supervise(self, active: RunHandle) -> Outcome:
        """Execute the run's steps until one fails or the run is told to stop."""
        run_deadline = float("inf")
        known_artifacts: dict[str, Artifact] = {}
        for step in active.steps:
            if active.cancel_scope.reason is not None:
                return self._stopped(active)
            context = await self._begin(active, step)
            if context is None:
                return self._stopped(active, step)
            if step is active.steps[0]:
                run_deadline = _deadline(active.project.timeout_seconds)
            result = await self._execute(active, step, context, run_deadline, known_artifacts)
            if result is None:
                return self._stopped(active, step)
            if not result.succeeded:
                return self._failed(active, step, result)
        return Outcome(Status.COMPLETED)

    async def _begin(self, active: RunHandle, step: StepDeclaration) -> StepContext | None:
        """Say that the step begins; what it is given, or None when the run was told to stop before it could work.

        With its first step a run becomes running, and nothing works for it before that is committed: should the row
        have been settled by somebody else, nothing of ours may work for it at all.
        """
        active.channel.begin_step(step.name)
        context = await asyncio.to_thread(self._prepare, active, step)
        if await active.channel.wait_begun() is not UpdateResult.UPDATED:
            active.cancel_scope.cancel(StopReason.SHUTDOWN)
        if (reason := active.cancel_scope.reason) is None:
            return context
        active.channel.end_step(step.name, StepStatus(reason.status), None, None)
        return None

    async def _execute(
        self,
        active: RunHandle,
        step: StepDeclaration,
        context: StepContext,
        run_deadline: float,
        known_artifacts: dict[str, Artifact],
    ) -> StepResult | None:
        """One step: its result, or None when it was stopped because the run was told so."""
        channel = active.channel
        step_deadline = _deadline(step.timeout_seconds)
        execution = await self._executor.start(active.project, step, context)
        active.execution = execution
        try:
            result = await active.cancel_scope.wait(execution, run_deadline=run_deadline, step_deadline=step_deadline)
            if result is not None:
                await self._report_artifacts(active, step, known_artifacts)
                channel.end_step(step.name, result.status, result.exit_code, result.error_message)
                return result
            reason = active.cancel_scope.reason or StopReason.SHUTDOWN
            self._say_why(active, step, reason)
            stopped = await execution.stop(active.grace_seconds)
            if stopped.exit_code == -signal.SIGKILL:
                channel.log("it did not end within its grace and was killed", level=Level.WARNING, step=step.name)
            message = _timeout_message(active, step, reason)
            await self._report_artifacts(active, step, known_artifacts)
            channel.end_step(step.name, StepStatus(reason.status), stopped.exit_code, message)
            return None
        finally:
            active.execution = None

    def _prepare(self, active: RunHandle, step: StepDeclaration) -> StepContext:
        workspace = self._directory.workspace(active.project.name)
        artifacts = self._directory.artifacts(active.id)
        workspace.mkdir(parents=True, exist_ok=True)
        artifacts.mkdir(parents=True, exist_ok=True)
        return StepContext(
            project=active.project.name,
            run_id=active.id,
            scope=active.run.scope,
            name=step.name,
            params=active.params,
            workspace=workspace,
            artifacts=artifacts,
            output=active.channel,
        )

    async def _report_artifacts(self, active: RunHandle, step: StepDeclaration, known: dict[str, Artifact]) -> None:
        """Say which files the step left or changed."""
        for artifact in await asyncio.to_thread(list_artifacts, self._directory.artifacts(active.id)):
            if known.get(artifact.name) != artifact:
                known[artifact.name] = artifact
                name = active.channel.mask(artifact.name)
                active.channel.log(
                    f"artifact {name} ({artifact.size_bytes} bytes)",
                    step=step.name,
                    event=Event.ARTIFACT,
                    data={"name": name, "size_bytes": artifact.size_bytes},
                )

    def _say_why(self, active: RunHandle, step: StepDeclaration, reason: StopReason) -> None:
        words = {
            StopReason.CANCEL: "asked to cancel",
            StopReason.RUN_TIMEOUT: _timeout_message(active, step, reason),
            StopReason.STEP_TIMEOUT: _timeout_message(active, step, reason),
            StopReason.SHUTDOWN: "the service shuts down",
        }
        grace = format_duration(active.grace_seconds)
        active.channel.log(
            f"stopping {step.name}: {words[reason]} (grace {grace})", level=Level.WARNING, step=step.name
        )

    def _stopped(self, active: RunHandle, step: StepDeclaration | None = None) -> Outcome:
        reason = active.cancel_scope.reason or StopReason.SHUTDOWN
        if reason is StopReason.CANCEL:
            return Outcome(Status.CANCELLED)
        if reason is StopReason.SHUTDOWN:
            return Outcome(Status.INTERRUPTED, _INTERRUPTED_MESSAGE)
        return Outcome(Status.FAILED, _timeout_message(active, step, reason))

    def _failed(self, active: RunHandle, step: StepDeclaration, result: StepResult) -> Outcome:
        message = f"{step.name}: {result.error_message}"
        if active.cancel_scope.reason is StopReason.SHUTDOWN:
            # What fails while everything around it is being taken down says little about the work.
            return Outcome(Status.INTERRUPTED, f"{_INTERRUPTED_MESSAGE}; {message}")
        return Outcome(Status.FAILED, message)


def _deadline(timeout_seconds: float | None) -> float:
    """In the loop's time."""
    return asyncio.get_running_loop().time() + (timeout_seconds or float("inf"))


def _timeout_message(active: RunHandle, step: StepDeclaration | None, reason: StopReason) -> str | None:
    if reason is StopReason.STEP_TIMEOUT and step is not None and step.timeout_seconds is not None:
        return f"{step.name} timed out after {format_duration(step.timeout_seconds)}"
    if reason is StopReason.RUN_TIMEOUT and active.project.timeout_seconds is not None:
        return f"the run timed out after {format_duration(active.project.timeout_seconds)}"
    return None
