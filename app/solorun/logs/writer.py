"""The one writer of all runs' logs: takes from each channel in turn, commits once for all, then tells the hub.

Nothing is published before it is committed, nothing committed twice, and a batch that was taken is kept until the
store has it, however long the disk is full.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

from solorun.errors import StoreCorrupted, StoreUnavailable
from solorun.logs.channel import Channel
from solorun.logs.hub import Hub
from solorun.segment import MAX_SEGMENT_BYTES
from solorun.status import UpdateResult
from solorun.store import Batch, Store

MIN_PAUSE_SECONDS: Final = 0.010
MAX_PAUSE_SECONDS: Final = 0.100
PAUSE_PER_STREAM_SECONDS: Final = 0.000_1
"""A flush costs each open stream about 25 µs: so fan-out takes at most a quarter of the loop at any rate of records."""
MIN_RETRY_SECONDS: Final = 0.05
MAX_RETRY_SECONDS: Final = 1.0
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
"""What records change in a run. Its other fields are moved by the engine."""
_ENDING_FIELDS: Final = ("error_message", "finished_at")

_logger = logging.getLogger("solorun.logs")


class Writer:
    """Commits what channels hold. Start with `run` in a task; `stop` when every channel is closed."""

    def __init__(self, store: Store, hub: Hub, *, owner: str) -> None:
        self._store = store
        self._hub = hub
        self._owner = owner
        self._channels: dict[int, Channel] = {}
        self._ready: dict[int, Channel] = {}
        """Channels with something to take, the one that waited longest first."""
        self._taken: dict[int, Batch] = {}
        """Batches not yet committed, by run."""
        self._refused: dict[int, float] = {}
        """Runs whose batch the database refused for its own sake, and when each is tried again, alone: so that it
        harms no other."""
        self._work = asyncio.Event()
        self._hurry = asyncio.Event()
        self._last_commit: dict[int, float] = {}
        self._stopping = False

    @property
    def is_behind(self) -> bool:
        """Whether a batch was refused and is being tried again."""
        return bool(self._refused) or self._store.write_error is not None

    def attach(self, channel: Channel) -> None:
        self._channels[channel.run_id] = channel

    def detach(self, channel: Channel) -> None:
        self._channels.pop(channel.run_id, None)
        self._ready.pop(channel.run_id, None)
        self._last_commit.pop(channel.run_id, None)

    def notify(self, channel: Channel, urgent: bool) -> None:
        """A channel's word that it has something to take."""
        self._ready.setdefault(channel.run_id, channel)
        self._work.set()
        if urgent or self._is_idle(channel):
            self._hurry.set()

    async def run(self) -> None:
        """Write until stopped. Errors of the store are waited out, never raised."""
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

    def stop(self) -> None:
        """Return from `run` when nothing is left to write. Safe twice."""
        self._stopping = True
        self._work.set()
        self._hurry.set()

    def _take(self) -> bool:
        """Receiver from each ready channel in turn; whether a whole commit was filled, so that nothing need gather."""
        share = max(_MIN_SHARE_BYTES, MAX_SEGMENT_BYTES // max(1, len(self._ready)))
        budget = MAX_SEGMENT_BYTES
        for run_id, channel in list(self._ready.items()):
            if run_id in self._taken:
                continue
            if budget <= 0:
                break
            del self._ready[run_id]
            try:
                batch = channel.take(min(share, budget))
            except Exception:
                # Whatever a step managed to put there, this writer serves the other runs too.
                _logger.exception("The log of run %s cannot be encoded: the run is given up", run_id)
                channel.invalidate(UpdateResult.NOT_IN_EXPECTED_STATUS)
                continue
            if channel.has_work:
                self._ready[run_id] = channel  # Behind the others: each in turn.
            if batch is not None:
                self._taken[run_id] = batch
                budget -= len(batch.segment.payload) if batch.segment is not None else 0
        return budget <= 0

    async def _commit_taken(self) -> None:
        """Commit what is taken; return when none of it is left but batches that the database itself refuses."""
        retry_seconds = MIN_RETRY_SECONDS
        while together := [batch for run_id, batch in self._taken.items() if run_id not in self._refused]:
            try:
                await self._commit(together)
            except StoreCorrupted as error:
                # Perhaps the damage lies in the way of one of them alone.
                self._set_apart(together, error)
            except StoreUnavailable as error:
                if retry_seconds == MIN_RETRY_SECONDS:
                    _logger.warning("The log cannot be written, trying again: %s", error)
                await asyncio.sleep(retry_seconds)
                retry_seconds = min(retry_seconds * 2, MAX_RETRY_SECONDS)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is tried again
                self._set_apart(together, error)
        now = asyncio.get_running_loop().time()
        for run_id in [run_id for run_id, retry_at in self._refused.items() if retry_at <= now]:
            await self._commit_alone(run_id)

    def _set_apart(self, together: Sequence[Batch], error: Exception) -> None:
        """Each of them is tried alone from here on."""
        if len(together) == 1:
            _logger.error("The log of run %s cannot be written, trying again", together[0].run.id, exc_info=error)
        self._refused.update((batch.run.id, 0.0) for batch in together)

    async def _commit_alone(self, run_id: int) -> None:
        loop = asyncio.get_running_loop()
        try:
            await self._commit([self._taken[run_id]])
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this run's alone, and it is tried again
            _logger.warning("The log of run %s cannot be written, trying again: %s", run_id, error)
            self._refused[run_id] = loop.time() + MAX_RETRY_SECONDS
            loop.call_later(MAX_RETRY_SECONDS, self._work.set)
        else:
            del self._refused[run_id]

    async def _commit(self, batches: Sequence[Batch]) -> None:
        answers = await self._store.commit(batches, owner=self._owner)
        now = asyncio.get_running_loop().time()
        for batch, answer in zip(batches, answers, strict=True):
            run_id = batch.run.id
            del self._taken[run_id]
            channel = self._channels.get(run_id)
            if answer is UpdateResult.UPDATED:
                self._last_commit[run_id] = now
                self._publish(batch)
                if channel is not None:
                    channel.committed(batch)
            elif channel is not None:
                _logger.error("Run %s is no longer ours to write (%s): it is given up", run_id, answer.value)
                self._ready.pop(run_id, None)
                channel.invalidate(answer)

    def _publish(self, batch: Batch) -> None:
        fields = _LOG_FIELDS if batch.ending is None else _LOG_FIELDS + _ENDING_FIELDS
        self._hub.publish(batch.run.id, batch.segment, **{field: getattr(batch.run, field) for field in fields})

    async def _pause(self) -> None:
        """Let records gather, so that a commit and a flush carry many; not when somebody is in a hurry."""
        if self._hurry.is_set() or self._stopping:
            await asyncio.sleep(0)
            return
        try:
            async with asyncio.timeout(self._pause_seconds):
                await self._hurry.wait()
        except TimeoutError:
            pass

    @property
    def _pause_seconds(self) -> float:
        wanted = PAUSE_PER_STREAM_SECONDS * self._hub.open_streams
        return min(max(wanted, MIN_PAUSE_SECONDS), MAX_PAUSE_SECONDS)

    def _is_idle(self, channel: Channel) -> bool:
        last = self._last_commit.get(channel.run_id)
        return last is None or asyncio.get_running_loop().time() - last > MAX_PAUSE_SECONDS
