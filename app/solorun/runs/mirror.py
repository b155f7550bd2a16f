"""Shows the runs that other processes queue and execute, and unclaimed ones: their rows and new records, as the store
has them, in topics of the hub. It looks when a notice comes, and from time to time.

One reader per run and service, however many follow it. For a database that several services use.
"""

import asyncio
import logging
import time
from collections import Counter
from dataclasses import dataclass
from typing import Final

import anyio
from msgspec.structs import asdict, replace

from solorun.component import Background, failures_logged
from solorun.errors import RunNotFound
from solorun.logs import Topic
from solorun.run import Run
from solorun.runs.dispatcher import Dispatcher
from solorun.runs.notices import REQUEST_SECONDS, RunNotices
from solorun.status import Status

POLL_SECONDS: Final = 0.5
"""The pause between two looks at all runs."""
_MAX_SHORT_RUNS: Final = 100
"""How many runs that were missed between two looks are shown. Lists have all of them."""

_logger = logging.getLogger("solorun.runs")


@dataclass(kw_only=True, eq=False)
class Mirror(Background):
    """A Component. It changes nothing in the store."""

    task_name = "mirror of other services' runs"

    dispatcher: Dispatcher
    notices: RunNotices

    def __post_init__(self) -> None:
        dispatcher = self.dispatcher
        self.store, self.hub, self.owner = dispatcher.store, self.notices.hub, dispatcher.worker.id
        self.queue, self.registry = dispatcher.queue, dispatcher.registry
        self._mirrored: dict[int, Topic] = {}
        self._requested: set[tuple[int, str | None]] = set()
        """The runs of which notices were requested, each with the process that executes it."""
        self._requested_at = 0.0
        self.ended: Counter[Status] = Counter()
        """How many runs have ended elsewhere, by status."""
        self._unclaimed: dict[int, float] = {}
        """Since when each run is seen to wait for a worker, by the clock of the process."""
        self._last_id: int | None = None
        """No run up to this one is missing here."""

    async def refresh(self) -> None:
        """Publish what has changed since the last call. Raises StoreUnavailable."""
        await self._update_queue()
        present = {run.id: run for run in await self.store.list_foreign_runs(self.owner)}
        seen_at = time.monotonic()
        self._unclaimed = {
            run.id: self._unclaimed.get(run.id, seen_at) for run in present.values() if run.waits_for_worker
        }
        for run in present.values():
            if self.registry.find(run.id) is None:
                await self._publish(await self._find_topic(run), run)
        missing = self._mirrored.keys() - present.keys()
        for run_id in [run_id for run_id in missing if self.registry.find(run_id) is not None]:
            del self._mirrored[run_id]  # Claimed here: its executor has adopted the topic.
        await self._refresh_runs(missing & self._mirrored.keys())
        await self._show_short_runs()
        await self._request_notices()

    def oldest_wait_seconds(self) -> float:
        """For how long a run has waited for a worker; 0 if none does."""
        now = time.monotonic()
        return now - min(self._unclaimed.values(), default=now)

    async def refresh_changed(self) -> None:
        """Publish the changes that notices announce, for as long as this runs. Raises StoreUnavailable."""
        while True:
            changed = await self.notices.changed.take()
            await self._refresh_runs(
                {run_id for run_id in changed & self._mirrored.keys() if self.registry.find(run_id) is None}
            )

    async def _refresh_runs(self, run_ids: set[int]) -> None:
        found = await self.store.find_runs(run_ids) if run_ids else {}
        for run_id in run_ids:
            if (run := found.get(run_id)) is None:
                # It ended, and was deleted, since the last call. How it ended is unknown, but followers must not wait.
                self.hub.publish(run_id, status=Status.INTERRUPTED, error_message="the run was deleted")
                self._forget(run_id)
                continue
            await self._publish(self._mirrored[run_id], run)
            if run.has_ended:
                self.ended[run.status] += 1
                self._forget(run_id)

    async def _show_short_runs(self) -> None:
        """Feed the runs that have begun elsewhere and ended since the last call."""
        newest = max((run.id for run in await self.store.list_runs(limit=1)), default=0)
        last_id = newest if self._last_id is None else self._last_id
        if newest <= last_id:
            self._last_id = last_id
            return
        new = await self.store.list_runs(limit=min(newest - last_id, _MAX_SHORT_RUNS))
        missing = [run for run in new if run.id > last_id and run.worker != self.owner and not self.hub.find(run.id)]
        for run in missing:
            if run.has_ended:
                self.ended[run.status] += 1
                self.hub.open(run)
                self.hub.close(run.id)
        # One that is still active began after the last look, and may have ended before the next one.
        self._last_id = min((run.id for run in missing if not run.has_ended), default=newest + 1) - 1

    async def _request_notices(self) -> None:
        """Of the runs that are followed here: when that begins, and again before a request expires."""
        loop = asyncio.get_running_loop()
        followed = {(topic.run.id, topic.run.worker) for topic in self._mirrored.values() if topic.follower_count}
        is_due = loop.time() - self._requested_at > REQUEST_SECONDS / 3
        if requested := followed if is_due else followed - self._requested:
            await self.notices.request(run_id for run_id, _ in requested)
        if is_due:
            self._requested_at = loop.time()
        self._requested = followed

    def _forget(self, run_id: int) -> None:
        del self._mirrored[run_id]
        self.queue.foreign_estimates.pop(run_id, None)
        self.hub.close(run_id)
        if self.queue:
            self.registry.notify_released()  # perhaps for a run that is queued here

    async def _run(self) -> None:
        while True:
            with failures_logged(_logger, "The runs of other services cannot be read; retrying", logging.DEBUG):
                await self.refresh()
                with anyio.move_on_after(POLL_SECONDS):
                    await self.refresh_changed()
                continue
            await asyncio.sleep(POLL_SECONDS)

    async def _update_queue(self) -> None:
        """Add the runs that another service has queued, and end those that were cancelled through it."""
        async with self.registry.start_lock:  # or a run that is queued here would be added before its start
            stored = {run.id: run for run in await self.store.list_queued_runs()}
            new = [run for run in stored.values() if run.id not in self.queue]
            for run in new:
                self.queue.add(run)
        if new:
            self.registry.notify_released()
        for queued in self.queue:
            if queued.run.id in stored:
                continue
            try:
                run = await self.store.get_run(queued.run.id)
            except RunNotFound:
                run = replace(queued.run, status=Status.CANCELLED)  # and then deleted
            if run.has_ended:
                self.queue.end(run)

    async def _find_topic(self, run: Run) -> Topic:
        topic = self._mirrored.get(run.id)
        if topic is None:
            self.queue.take(run)  # it was queued, and another service has claimed it
            topic = self._mirrored[run.id] = self.hub.find(run.id) or self.hub.open(run)
        elif run.id not in self.queue.foreign_estimates:  # Most runs are seen only once: they need none.
            seconds = await self.store.median_duration_seconds(run.project, run.scope)
            self.queue.foreign_estimates[run.id] = seconds
        else:
            return topic
        if self.queue:
            self.registry.notify_released()  # the places of the runs that are queued behind it
        return topic

    async def _publish(self, topic: Topic, run: Run) -> None:
        """Publish the run as it is in the store. Without followers, its new records are left for later readers."""
        while topic.follower_count and (after := topic.run.last_seq) < run.last_seq:
            for segment in await self.store.read_segments(run.id, after=after):
                new = segment.after(topic.run.last_seq)
                self.hub.publish(run.id, new, last_seq=new.last_seq)
            if topic.run.last_seq == after:
                break
        is_foreign = self.registry.find(run.id) is None
        if is_foreign and run.last_seq >= topic.run.last_seq and run != topic.run:
            self.hub.publish(run.id, **asdict(run))
