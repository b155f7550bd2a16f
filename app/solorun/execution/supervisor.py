"""Executes a run's steps and computes its outcome. Recording the outcome is the executor's job."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from solorun.artifacts.store import ArtifactStore
from solorun.execution.attempts import Attempts
from solorun.execution.handle import RunHandle
from solorun.execution.resources import StepResources
from solorun.execution.run_artifacts import RunArtifacts
from solorun.execution.stall_watch import watched_for_stalls
from solorun.outcome import Outcome, StepResult, StopReason
from solorun.project import StepDeclaration
from solorun.run import format_size
from solorun.settings import DataDirectory, format_duration
from solorun.status import Status, StepStatus, UpdateResult
from solorun.step import StepContext, StepExecutor, StepObservation
from solorun.store import RunStore

_INTERRUPTIONS: Final = {
    StopReason.SHUTDOWN: "the service was shut down",
    StopReason.LEASE_LOST: "the database did not respond for too long to keep the project",
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Supervisor:
    """Executes the steps of runs in order, waiting for each inside the run's cancel scope."""

    executor: StepExecutor
    resources: StepResources
    artifacts: ArtifactStore
    directory: DataDirectory
    runs: RunStore
    observe_step: Callable[[StepContext], AbstractContextManager[StepObservation]]

    async def supervise(self, run: RunHandle) -> Outcome:
        """Execute the run's steps until one of them ends the run."""
        artifacts = RunArtifacts(run, self.artifacts, self.directory, self.runs)
        for step in run.start.steps:
            if (outcome := await self._execute(run, step, artifacts)) is not None:
                break
            await self.resources.release(run, step)
        else:
            outcome = _stopped_outcome(run) if artifacts.were_cut_off else Outcome(Status.COMPLETED)
        await artifacts.release()
        return outcome

    async def _execute(self, run: RunHandle, step: StepDeclaration, artifacts: RunArtifacts) -> Outcome | None:
        """Try a step until it succeeds or may not be retried. Returns the run's outcome if the step ends the run."""
        attempts = Attempts(run, step)
        while await attempts.wait_for_next() and await self.resources.take(run, step):
            try:
                context = await self._begin(run, step, attempts, artifacts)
            except OSError as error:
                message = f"the directories of run {run.id} could not be created: {error.strerror}"
                return Outcome(Status.FAILED, message)
            if context is None:
                return _stopped_outcome(run, step)
            result = await self._execute_attempt(run, step, context, attempts, artifacts)
            if not attempts.has_next:
                if result is None:
                    return _stopped_outcome(run, step)
                return None if result.succeeded else _failed_outcome(run, step, result)
            await self.resources.release(run, step)
        reason = run.cancel_scope.reason or StopReason.SHUTDOWN
        attempts.abandon(StepStatus(reason.status), _stop_message(run, step, reason))
        return _stopped_outcome(run)

    async def _begin(
        self, run: RunHandle, step: StepDeclaration, attempts: Attempts, artifacts: RunArtifacts
    ) -> StepContext | None:
        """Log that an attempt begins. Returns its context, or None if the run had to stop before the attempt could.

        The first step makes the run `running`. No step begins until that is committed, because another owner may have
        taken the run.
        """
        attempts.begin()
        context = await asyncio.to_thread(self._prepare, run, step, attempts.number)
        if await run.channel.wait_until_running() is not UpdateResult.UPDATED:
            run.cancel_scope.cancel(StopReason.SHUTDOWN)
        if run.deadline == float("inf"):
            run.deadline = _deadline(run.project.timeout_seconds)
        await artifacts.fetch_earlier(step)
        if (reason := run.cancel_scope.reason) is not None:
            attempts.end(StepStatus(reason.status))
            return None
        return context

    async def _execute_attempt(
        self,
        run: RunHandle,
        step: StepDeclaration,
        context: StepContext,
        attempts: Attempts,
        artifacts: RunArtifacts,
    ) -> StepResult | None:
        """Execute one attempt. Returns its result, or None if it was stopped."""
        scope = run.cancel_scope
        step_deadline = _deadline(step.timeout_seconds)
        with self.observe_step(context) as observed:
            execution = await self.executor.start(run.project, step, observed.context)
            with watched_for_stalls(run, step):
                result = await scope.wait(execution, run_deadline=run.deadline, step_deadline=step_deadline)
            observed.result = result
            if result is None:
                observed.stopped_for = reason = scope.reason or StopReason.SHUTDOWN
                run.stop_log.signalled(step.name)
                observed.result = await scope.stop(execution)
                run.stop_log.ended(step.name, execution.stop_effect)
                status, message = StepStatus(reason.status), _stop_message(run, step, reason)
                exit_code = observed.result.exit_code
                if message and exit_code is not None and exit_code < 0:
                    exit_code = None  # After a timeout, the signal that ended the command says nothing new.
            else:
                scope.resume()  # It may have ended just before the stall timeout would have stopped it.
                if result.succeeded and scope.reason is StopReason.LOG_LIMIT:
                    result = replace(result, error_message=_stop_message(run, step, StopReason.LOG_LIMIT))
                status, exit_code, message = result.status, result.exit_code, result.error_message
        run.output.report_dropped(step.name)
        await artifacts.publish(step)
        attempts.end(status, exit_code, message)
        return result

    def _prepare(self, run: RunHandle, step: StepDeclaration, attempt: int) -> StepContext:
        workspace = self.directory.workspace(run.project.name)
        artifacts = self.directory.artifacts(run.id)
        for parent in (workspace.parent, artifacts.parent):
            parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        workspace.mkdir(mode=0o700, exist_ok=True)
        # Files of a lost run with the same id must not be mistaken for this run's.
        artifacts.mkdir(mode=0o700, exist_ok=attempt > 1 or step is not run.start.steps[0])
        return StepContext(
            project=run.project.name,
            run_id=run.id,
            scope=run.start.scope,
            rerun_of=run.start.rerun_of,
            name=step.name,
            attempt=attempt,
            params=dict(run.start.params),
            workspace=workspace,
            artifacts=artifacts,
            output=run.output,
            report_position=partial(run.stop_log.located, step.name),
            slots={**run.run.slots, **run.step_slots},
        )


def _stopped_outcome(run: RunHandle, step: StepDeclaration | None = None) -> Outcome:
    reason = run.cancel_scope.reason or StopReason.SHUTDOWN
    if reason is StopReason.CANCEL:
        return Outcome(Status.CANCELLED)
    if reason in _INTERRUPTIONS:
        return Outcome(Status.INTERRUPTED, _INTERRUPTIONS[reason])
    prefix = f"{step.name} " if step is not None and reason is not StopReason.RUN_TIMEOUT else ""
    return Outcome(Status.FAILED, f"{prefix}{_stop_message(run, step, reason)}")


def _failed_outcome(run: RunHandle, step: StepDeclaration, result: StepResult) -> Outcome:
    message = f"{step.name}: {result.error_message}"
    if (reason := run.cancel_scope.reason) in _INTERRUPTIONS:
        # A failure during a shutdown says little about the work.
        return Outcome(Status.INTERRUPTED, f"{_INTERRUPTIONS[reason]}; {message}")
    return Outcome(Status.FAILED, message)


def _deadline(timeout_seconds: float | None) -> float:
    """In the event loop's time."""
    return asyncio.get_running_loop().time() + (timeout_seconds or float("inf"))


def _stop_message(run: RunHandle, step: StepDeclaration | None, reason: StopReason) -> str | None:
    if reason is StopReason.STEP_TIMEOUT and step is not None and step.timeout_seconds is not None:
        return f"timed out after {format_duration(step.timeout_seconds)}"
    if reason is StopReason.STALL and step is not None and step.stall_timeout is not None:
        return f"wrote nothing for {format_duration(step.stall_timeout.after_seconds)}"
    if reason is StopReason.LOG_LIMIT:
        return f"exceeded the limit of the log, {format_size(run.project.log_limit.size_bytes)}"
    if reason is StopReason.RUN_TIMEOUT and run.project.timeout_seconds is not None:
        return f"the run timed out after {format_duration(run.project.timeout_seconds)}"
    return None
