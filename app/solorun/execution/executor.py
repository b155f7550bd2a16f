"""Carries a run from its row to its release: claim, supervise, record, publish, release.

Control (`runs/`) decides which runs start and stop. Only the executor adds a run to the registry, the hub and the
writer and removes it again, so they always agree.
"""

import asyncio
import contextlib
import logging
import traceback
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from msgspec.structs import asdict, replace

from solorun.errors import FieldError, InvalidRequest, SolorunError
from solorun.execution.cancel_scope import RunCancelScope
from solorun.execution.clock import RunClock
from solorun.execution.handle import AdmittedStart, RunHandle, RunRegistry
from solorun.execution.stop_log import StopLog
from solorun.execution.supervisor import Supervisor
from solorun.execution.tasks import TaskSet
from solorun.logs import Channel, Hub, LimitedOutput, Masker, Writer
from solorun.logs.masking import LIMITS_TEXT
from solorun.outcome import Outcome, StopReason, format_exception
from solorun.record import Level
from solorun.run import Run
from solorun.status import Status, UpdateResult
from solorun.store import FinalState, Store

_MIN_COMPACTED_SEGMENTS: Final = 8
"""Fewer are not worth a transaction: a reader gets them in one page anyway."""

_OUTDATED: Final = "solorun.toml is invalid, so this run uses the last valid configuration:"

_logger = logging.getLogger("solorun.execution")


@dataclass(kw_only=True, eq=False, repr=False)
class RunExecutor:
    """Executes runs, each in a task of its own."""

    store: Store
    hub: Hub
    writer: Writer
    registry: RunRegistry
    tasks: TaskSet
    supervisor: Supervisor
    owner: str
    environ: Mapping[str, str]
    secrets: Mapping[str, str]
    """The service's own, by the name of their variable."""
    now: Callable[[], datetime]
    is_disk_low: Callable[[], bool]
    observe_run: Callable[[RunHandle], AbstractContextManager[object]]
    """The run is observed within the context manager that this returns."""
    compaction_pause_seconds: float = 0.05

    def __post_init__(self) -> None:
        self._compacting = asyncio.Semaphore(1)

    def masker_for(self, start: AdmittedStart) -> Masker:
        """A masker for the secrets of the start and of its project, and for the service's own.

        Raises InvalidRequest if the secret parameters are more than a run can mask.
        """
        masker, project = Masker(), start.project
        env = project.expand_env(self.environ)
        values = {name: env.get(name) or self.environ.get(name) for name in project.secrets}
        hooks = {hook.secret: self.environ.get(hook.secret) for hook in project.hooks.values()}
        for name, value in {**self.secrets, **hooks, **values}.items():
            if value and not masker.add(value):
                _logger.warning(
                    "Secret %s of %s is not masked: %s",
                    name,
                    project.name,
                    LIMITS_TEXT,
                    extra={"project": project.name},
                )
        faults = [
            FieldError(f"/params/{name}", f"cannot be masked: {LIMITS_TEXT}")
            for name, value in start.secret_params.items()
            if not masker.add(value)
        ]
        if faults:
            raise InvalidRequest(errors=faults)
        return masker

    def claim(self, start: AdmittedStart, run: Run, masker: Masker) -> RunHandle:
        """Create the run's topic, channel and cancel scope. Without an await: they become visible together."""
        cancel_scope = RunCancelScope(start.project.cancel_grace_seconds)
        clock = RunClock(max(run.created_at, self.now()))
        channel = Channel(
            run,
            masker,
            now=clock.now,
            notify=self.writer.open_lane(),
            # Another owner has taken the run: our work for it has to stop.
            on_ownership_lost=lambda: cancel_scope.cancel(StopReason.SHUTDOWN),
        )
        output = LimitedOutput(
            channel,
            start.project.log_limit,
            is_disk_low=self.is_disk_low,
            fail_run=lambda: cancel_scope.cancel(StopReason.LOG_LIMIT),
        )
        stop_log = StopLog(channel, cancel_scope, clock.now)
        topic = self.hub.find(run.id) or self.hub.open(run)
        handle = RunHandle(start, topic, channel, output, cancel_scope, stop_log, clock)
        self.registry.add(handle)
        if start.configuration_faults:
            channel.log("\n".join((_OUTDATED, *start.configuration_faults)), level=Level.WARNING)
        _logger.info("%s: started by %s, scope %s", run.label, run.triggered_by, run.scope, extra=run.log_fields)
        return handle

    async def execute(self, handle: RunHandle) -> None:
        """Start the task that executes a claimed run. If that fails, the run is `failed` and the error is raised."""
        try:
            self.tasks.spawn(self._execute(handle), name=f"run {handle.id}")
        except Exception as error:
            await self._finish(handle, Outcome(Status.FAILED, format_exception(error)))
            raise
        self.tasks.spawn(self._load_estimate(handle), name=f"estimate of run {handle.id}")

    async def _execute(self, handle: RunHandle) -> None:
        with self.observe_run(handle):
            outcome = await self._supervise(handle)
            handle.has_stopped = True
            await self._finish(handle, outcome)
        await self._compact(handle)

    async def _supervise(self, handle: RunHandle) -> Outcome:
        try:
            return await self.supervisor.supervise(handle)
        except Exception as error:
            _logger.exception("Internal error while executing run %s", handle.id, extra=handle.run.log_fields)
            for line in traceback.format_exception(error):
                handle.channel.log(line.rstrip("\n"), level=Level.ERROR)
            return Outcome(Status.FAILED, f"internal error: {format_exception(error)}")

    async def _finish(self, handle: RunHandle, outcome: Outcome) -> None:
        """Record how the run ended; the writer publishes it after the commit. Then release the run."""
        try:
            result = await self._record(handle, outcome)
            if result is not UpdateResult.UPDATED:
                await self._publish_stored_state(handle)
            run = handle.run
            message = f": {run.error_message}" if run.error_message else ""
            _logger.info("%s: %s%s", run.label, run.status, message, extra=run.log_fields)
        finally:
            self.hub.close(handle.id)
            self.registry.remove(handle)

    async def _record(self, handle: RunHandle, outcome: Outcome) -> UpdateResult:
        """Commit the final state behind the last record, retrying for as long as the service runs."""
        outcome = Outcome(outcome.status, handle.channel.sanitize_error(outcome.error_message))
        if handle.cancel_scope.reason is StopReason.CANCEL:
            # The work may stop before the row says who cancelled the run. The final state must come after that.
            await handle.cancel_recorded.wait()
        ending = FinalState(outcome, handle.clock.now(), handle.traceparent)
        return await asyncio.shield(handle.channel.close(ending))

    async def _publish_stored_state(self, handle: RunHandle) -> None:
        """Publish the row as it is, because another owner ended the run. If the run is still active, end it."""
        try:
            ending = FinalState(Outcome(Status.FAILED, "the log could not be written"), handle.clock.now())
            await self.store.finalize_run(handle.id, owner=self.owner, ending=ending)
            run = await self.store.get_run(handle.id)
        except SolorunError as error:
            _logger.warning(
                "The final state of run %s cannot be read: %s", handle.id, error, extra=handle.run.log_fields
            )
            run = replace(
                handle.run,
                status=Status.INTERRUPTED,
                error_message="the final state could not be read from the database",
                finished_at=handle.clock.now(),
                current_step=None,
            )
        self.hub.publish(handle.id, **asdict(run))

    async def _load_estimate(self, handle: RunHandle) -> None:
        """Look up how long a run of this scope usually takes, for the Retry-After of starts that are refused."""
        with contextlib.suppress(SolorunError):
            handle.estimated_seconds = await self.store.median_duration_seconds(handle.project.name, handle.start.scope)

    async def _compact(self, handle: RunHandle) -> None:
        """Join the ended run's small segments, a few at a time, one run after another."""
        if handle.channel.segment_count < _MIN_COMPACTED_SEGMENTS:
            return
        async with self._compacting:
            try:
                # A pause between the bounded transactions leaves the disk to active runs.
                while await self.store.compact_segments(handle.id):  # noqa: ASYNC110
                    await asyncio.sleep(self.compaction_pause_seconds)
            except Exception as error:  # noqa: BLE001 - compaction saves space; nothing depends on it
                _logger.warning(
                    "The segments of run %s were not compacted: %s", handle.id, error, extra=handle.run.log_fields
                )
