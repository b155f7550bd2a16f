"""A run from its opening to its removal: topic, channel and scope come into being, its steps are executed, its ending
is written, its segments are merged. Called by the manager; says nothing about who may start what.
"""

import asyncio
import contextlib
import logging
import traceback
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

import anyio
from msgspec.structs import asdict, replace

from solorun.errors import SolorunError
from solorun.execution.handle import RunHandle, RunRegistry
from solorun.execution.supervisor import Supervisor
from solorun.logs import Channel, Hub, Masker, Writer
from solorun.outcome import Outcome, StopReason, format_exception
from solorun.project import Project
from solorun.record import Level
from solorun.run import Run
from solorun.runs.admission import Admitted
from solorun.status import ACTIVE, Status, UpdateResult
from solorun.store import FinalState, Store

_MERGE_PAUSE_SECONDS: Final = 0.05
_MIN_MERGED_SEGMENTS: Final = 8
"""Fewer are not worth a transaction: whoever reads them reads them in one page."""

_logger = logging.getLogger("solorun.runs")


class RunExecutor:
    """Carries active runs through their life, and keeps `active_runs`, the hub and the writer in step."""

    def __init__(
        self,
        *,
        store: Store,
        hub: Hub,
        writer: Writer,
        supervisor: Supervisor,
        owner: str,
        environ: Mapping[str, str],
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._hub = hub
        self._writer = writer
        self._supervisor = supervisor
        self._owner = owner
        self._environ = environ
        self._now = now
        self.active_runs = RunRegistry()
        self._finishing: set[anyio.CancelScope] = set()
        self._merging = asyncio.Semaphore(1)

    def open(self, admitted: Admitted, run: Run) -> RunHandle:
        """Bring the run's topic, channel and cancel scope into being. No await: nobody sees only some of them."""
        masker = self.masker_for(admitted.project)
        channel = Channel(run, masker, now=self._now, notify=self._writer.notify)
        active = RunHandle(
            project=admitted.project,
            steps=admitted.steps,
            params=admitted.params,
            topic=self._hub.open(run),
            channel=channel,
        )
        # Whoever took the run's row from us, nothing of ours may go on working for it.
        channel.on_ownership_lost = lambda: active.cancel_scope.cancel(StopReason.SHUTDOWN)
        self._writer.attach(channel)
        self.active_runs.add(active)
        _logger.info("Run %s of %s: started by %s, scope %s", run.id, run.project, run.triggered_by, run.scope)
        return active

    def masker_for(self, project: Project) -> Masker:
        """What masks the texts of the project's runs, in the log and in the row."""
        names = (*project.secrets, "SOLORUN_TOKEN")
        values = (project.env.get(name) or self._environ.get(name) for name in names)
        return Masker(value for value in values if value)

    async def run(self, active: RunHandle) -> None:
        """Execute the run and write its ending. Never raises, but for its own cancellation at the very end."""
        try:
            outcome = await self._supervisor.supervise(active)
        except Exception as error:
            _logger.exception("Run %s met an error of the service", active.id)
            for line in traceback.format_exception(error):
                active.channel.log(line.rstrip("\n"), level=Level.ERROR)
            outcome = Outcome(Status.FAILED, f"error of the service: {format_exception(error)}")
        await self.finish(active, outcome)
        if active.channel.segment_count >= _MIN_MERGED_SEGMENTS:
            await self._merge(active.id)

    async def finish(self, active: RunHandle, outcome: Outcome) -> None:
        """Write the ending behind the last record, then let go of the run. Retried for as long as the service runs."""
        outcome = Outcome(outcome.status, active.channel.sanitize_error(outcome.error_message))
        with anyio.CancelScope(shield=True) as scope:
            self._finishing.add(scope)
            try:
                if active.cancel_scope.reason is StopReason.CANCEL:
                    # Work may stop sooner than the row can say who asked for it: the ending must not overtake that.
                    await active.cancel_recorded.wait()
                transition = await asyncio.shield(active.channel.close(FinalState(outcome, self._now())))
                if transition is not UpdateResult.UPDATED:
                    await self._publish_stored_state(active)
                message = f": {active.run.error_message}" if active.run.error_message else ""
                _logger.info("Run %s of %s: %s%s", active.id, active.run.project, active.run.status, message)
            finally:
                self._finishing.discard(scope)
                self._hub.close(active.id)
                self._writer.detach(active.channel)
                self.active_runs.remove(active)

    def abandon(self) -> None:
        """The service goes down now: endings that could not be written are left to the next start's recovery."""
        for scope in self._finishing:
            scope.cancel()

    async def shorten_grace(self, active: RunHandle) -> None:
        """Tell a step that is being stopped that its grace is shorter now."""
        if active.execution is not None:
            await active.execution.stop(active.grace_seconds)

    async def load_estimate(self, active: RunHandle) -> None:
        """Look up how long such a run takes, for those who are refused meanwhile. Never raises."""
        with contextlib.suppress(SolorunError):
            active.estimated_seconds = await self._store.median_duration_seconds(active.project.name, active.run.scope)

    async def _publish_stored_state(self, active: RunHandle) -> None:
        """The row was ended by somebody else: readers see it as it is. If nobody did, it is ended now."""
        try:
            ending = FinalState(Outcome(Status.FAILED, "its log could not be written"), self._now())
            await self._store.finalize_run(active.id, owner=self._owner, expected=ACTIVE, ending=ending)
            run = await self._store.get_run(active.id)
        except SolorunError as error:
            _logger.warning("How run %s ended cannot be read: %s", active.id, error)
            run = replace(
                active.run,
                status=Status.INTERRUPTED,
                error_message="its row is gone",
                finished_at=self._now(),
                current_step=None,
            )
        self._hub.publish(active.id, **asdict(run))

    async def _merge(self, run_id: int) -> None:
        """Merge the ended run's small segments, a little at a time, one run after another."""
        async with self._merging:
            try:
                # A pause between the bounded transactions leaves the disk to those who work.
                while await self._store.compact_segments(run_id):  # noqa: ASYNC110
                    await asyncio.sleep(_MERGE_PAUSE_SECONDS)
            except Exception as error:  # noqa: BLE001 - merging saves space; nothing depends on it
                _logger.warning("The segments of run %s were not merged: %s", run_id, error)
