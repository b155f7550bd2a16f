"""Writes the logs of all runs: takes a batch from each channel in turn, commits them together, then publishes them.

Nothing is published before it is committed, and no record is stored twice. A batch that was taken is retried until the
store accepts it, even while the disk is full.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import anyio

from solorun.errors import StoreCorrupted, StoreUnavailable
from solorun.logs.channel import Channel
from solorun.logs.hub import Hub
from solorun.run import cancel_fields
from solorun.segment import MAX_SEGMENT_BYTES
from solorun.status import UpdateResult
from solorun.store import Batch, Store

_MIN_SHARE_BYTES: Final = 16 * 1024

_LOG_FIELDS: Final = (
    "status",
    "started_at",
    "current_step",
    "progress_current",
    "progress_total",
    "progress_item",
    "last_seq",
    "level_counts",
    "first_error_seq",
    "steps",
)
"""The fields of a run that records change. The final state, and the records of a cancel, change others."""
_ENDING_FIELDS: Final = ("error_message", "finished_at")

_logger = logging.getLogger("solorun.logs")


@dataclass(frozen=True, slots=True)
class WriterLimits:
    """How long the writer gathers records, waits between retries, and takes to stop.

    Publishing costs about 25 µs per open stream. A pause of 100 µs per stream keeps that below a quarter of the event
    loop's time at any rate of records, for up to 1,000 streams: then the pause reaches its maximum.
    """

    min_pause_seconds: float = 0.010
    max_pause_seconds: float = 0.100
    pause_per_stream_seconds: float = 0.000_1
    min_retry_seconds: float = 0.05
    max_retry_seconds: float = 1.0
    stop_seconds: float = 2.0


@dataclass(eq=False, slots=True)
class Lane:
    """The writer's state for one run: the batch it took from the channel, the time of a retry, and the last commit."""

    batch: Batch | None = None
    """Taken from the channel, but not committed yet."""
    retry_at: float | None = None
    """When a batch that the database refused is tried again, without other batches; None if it was not refused."""
    last_commit_at: float | None = None


class Writer:
    """A Component that commits and publishes the records of all channels. Stop it after every channel is closed."""

    def __init__(self, store: Store, hub: Hub, *, owner: str) -> None:
        self._store = store
        self._hub = hub
        self._owner = owner
        self.limits = WriterLimits()
        self._ready: dict[Lane, Channel] = {}
        """Lanes whose channel has something to commit. The lane that has waited longest is first."""
        self._taken: dict[Lane, Channel] = {}
        """Lanes with a batch that was taken but not committed yet."""
        self._work = asyncio.Event()
        self._hurry = asyncio.Event()
        self._stopping = False
        self._task: asyncio.Task[None] | None = None

    @property
    def is_behind(self) -> bool:
        """Whether a batch is being retried, or the last write of the store failed."""
        return any(lane.retry_at is not None for lane in self._taken) or self._store.write_error is not None

    def open_lane(self) -> Callable[[Channel, bool], None]:
        """What one run's channel calls when it has records or a final state to commit.

        The writer keeps a reference to the lane only while it has something to commit.
        """
        return partial(self._schedule, Lane())

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="writer")
        self._task.add_done_callback(_report_crash)

    async def stop(self) -> None:
        """Commit what is left, then stop. Records that cannot be committed within `stop_seconds` are lost."""
        self._stopping = True
        self._work.set()
        self._hurry.set()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=self.limits.stop_seconds)
            self._task.cancel()
            await asyncio.wait([self._task])

    def _schedule(self, lane: Lane, channel: Channel, urgent: bool) -> None:
        self._ready.setdefault(lane, channel)
        self._work.set()
        if urgent or self._is_idle(lane):
            self._hurry.set()

    async def _run(self) -> None:
        """Commit until stopped. Retries after errors of the store instead of raising them."""
        while True:
            await self._work.wait()
            self._work.clear()
            self._hurry.clear()
            was_filled = self._take()
            if self._taken:
                await self._commit_taken()
            if self._ready.keys() - self._taken.keys():
                self._work.set()
            elif self._stopping:
                return
            if not was_filled:
                await self._pause()

    def _take(self) -> bool:
        """Take a batch from each ready channel in turn. Returns True if they fill a commit: do not wait for more."""
        share = max(_MIN_SHARE_BYTES, MAX_SEGMENT_BYTES // max(1, len(self._ready)))
        budget = MAX_SEGMENT_BYTES
        for lane, channel in list(self._ready.items()):
            if lane in self._taken:
                continue
            if budget <= 0:
                break
            del self._ready[lane]
            try:
                lane.batch = channel.take(min(share, budget))
            except Exception:
                # Give up this run instead of failing: the writer serves all runs.
                _logger.exception(
                    "The log of run %s cannot be encoded; giving up the run",
                    channel.run_id,
                    extra={"run_id": channel.run_id},
                )
                channel.invalidate(UpdateResult.NOT_IN_EXPECTED_STATUS)
                continue
            if channel.has_work:
                self._ready[lane] = channel  # at the end of the queue
            if lane.batch is not None:
                self._taken[lane] = channel
                budget -= len(lane.batch.segment.payload) if lane.batch.segment is not None else 0
        return budget <= 0

    async def _commit_taken(self) -> None:
        """Commit the taken batches. Returns when all are committed, except those that have to be retried alone."""
        retry_seconds = self.limits.min_retry_seconds
        while together := [lane for lane in self._taken if lane.retry_at is None]:
            try:
                await self._commit(together)
            except StoreCorrupted as error:
                # The damage may affect only one of the runs.
                self._set_apart(together, error)
            except StoreUnavailable as error:
                if retry_seconds == self.limits.min_retry_seconds:
                    _logger.warning("The log cannot be written; retrying: %s", error)
                await asyncio.sleep(retry_seconds)
                retry_seconds = min(retry_seconds * 2, self.limits.max_retry_seconds)
            except Exception as error:  # noqa: BLE001 - every error is retried
                self._set_apart(together, error)
        now = asyncio.get_running_loop().time()
        for lane in [lane for lane in self._taken if lane.retry_at is not None and lane.retry_at <= now]:
            await self._commit_alone(lane)

    def _set_apart(self, together: Sequence[Lane], error: Exception) -> None:
        """From now on, commit each of these batches alone, so that a refused one does not hold up other runs."""
        if len(together) == 1:
            run_id = self._taken[together[0]].run_id
            _logger.error(
                "The log of run %s cannot be written; retrying", run_id, exc_info=error, extra={"run_id": run_id}
            )
        for lane in together:
            lane.retry_at = 0.0

    async def _commit_alone(self, lane: Lane) -> None:
        loop = asyncio.get_running_loop()
        try:
            await self._commit([lane])
        except Exception as error:  # noqa: BLE001 - it concerns this run alone and is retried
            run_id = self._taken[lane].run_id
            _logger.warning(
                "The log of run %s cannot be written; retrying: %s", run_id, error, extra={"run_id": run_id}
            )
            lane.retry_at = loop.time() + self.limits.max_retry_seconds
            loop.call_later(self.limits.max_retry_seconds, self._work.set)

    async def _commit(self, lanes: Sequence[Lane]) -> None:
        batches = [lane.batch for lane in lanes if lane.batch is not None]
        results = await self._store.commit(batches, owner=self._owner)
        now = asyncio.get_running_loop().time()
        for lane, batch, result in zip(lanes, batches, results, strict=True):
            channel = self._taken.pop(lane)
            lane.batch = lane.retry_at = None
            if result is UpdateResult.UPDATED:
                lane.last_commit_at = now
                self._publish(batch)
                channel.committed(batch)
            else:
                _logger.error(
                    "Lost ownership of run %s (%s); stopping it",
                    *(batch.run.id, result.value),
                    extra=batch.run.log_fields,
                )
                self._ready.pop(lane, None)
                channel.invalidate(result)

    def _publish(self, batch: Batch) -> None:
        fields = _LOG_FIELDS if batch.ending is None else _LOG_FIELDS + _ENDING_FIELDS
        changes = {field: getattr(batch.run, field) for field in fields}
        if batch.run.cancel is not None:
            changes |= cancel_fields(batch.run.cancel)
        self._hub.publish(batch.run.id, batch.segment, **changes)

    async def _pause(self) -> None:
        """Wait for more records, so that one commit carries many. Ends early if something becomes urgent."""
        if self._hurry.is_set() or self._stopping:
            await asyncio.sleep(0)
            return
        wanted = self.limits.pause_per_stream_seconds * self._hub.open_streams
        with anyio.move_on_after(min(max(wanted, self.limits.min_pause_seconds), self.limits.max_pause_seconds)):
            await self._hurry.wait()

    def _is_idle(self, lane: Lane) -> bool:
        last = lane.last_commit_at
        return last is None or asyncio.get_running_loop().time() - last > self.limits.max_pause_seconds


def _report_crash(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        _logger.critical("The writer crashed: no log can be written until the service restarts", exc_info=error)
