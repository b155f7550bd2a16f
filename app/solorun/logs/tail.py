"""Follows a run's log for a reader: from memory if recent, else from the store, then live, then the end.

Exact from any point: no gap, no repeat, across the edge between memory and store and across restarts of the service.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from solorun.errors import StoreFailure
from solorun.logs.hub import Hub, Receiver
from solorun.run import Run
from solorun.segment import Segment
from solorun.store import MAX_PAGE_RECORDS, RunStore

_UNSETTLED_POLL_SECONDS: Final = 0.05
_FIRST_PAGE_RECORDS: Final = 1
"""So few that the first page is one segment: its lines come soonest, and hundreds who stall at once take little."""


class Tail:
    """Reads logs for any number of followers; a follower costs no more than its cursor."""

    def __init__(self, hub: Hub, store: RunStore) -> None:
        self._hub = hub
        self._store = store

    async def follow(
        self, run_id: int, *, after: int = 0, page_records: int = MAX_PAGE_RECORDS, take: Receiver | None = None
    ) -> AsyncGenerator[Segment | Run, None]:
        """Yield segments with the records after `after`, in order and without gaps, at last the terminal run.

        While it waits at the log's end, what comes is handed to `take`, without a turn of the loop between; only what
        `take` does not take is yielded.

        Waits for records that are not there yet; with an `after` beyond the last record, for those that come after
        it, or for the end. `page_records` bounds what is read from the store at a time. Raises RunNotFound before the
        first item. Can be closed at any await.
        """
        cursor, wanted = after, _FIRST_PAGE_RECORDS
        while True:
            topic = self._hub.find(run_id)
            if topic is None:
                run = await self._store.get_run(run_id)
                if not run.has_ended:
                    # Inserted, but its topic is not open yet, or it waits to be settled: a matter of milliseconds.
                    await asyncio.sleep(_UNSETTLED_POLL_SECONDS)
                    continue
                async with aclosing(self.read_stored(run, after=cursor, page_records=page_records)) as stored:
                    async for segment in stored:
                        yield segment
                yield run
                return
            while not topic.has_ended or cursor < topic.run.last_seq:
                segments = topic.find_recent(cursor)
                if segments is None:
                    segments = await self._store.read_segments(run_id, after=cursor, max_records=wanted)
                    wanted = page_records
                    if not segments:
                        raise StoreFailure(f"the log of run {run_id} has lost the records after {cursor}")
                for segment in segments:
                    yield segment.after(cursor)
                    cursor = segment.last_seq
                if not segments:
                    cursor = await topic.wait_after(cursor, take)
            yield topic.run
            return

    async def find_after(self, run: Run, *, tail: int) -> int:
        """The seq after which a follower begins who wants the last `tail` records of those there are."""
        topic = self._hub.find(run.id)
        return max(0, (topic.run if topic is not None else run).last_seq - tail)

    async def read_stored(
        self, run: Run, *, after: int = 0, page_records: int = MAX_PAGE_RECORDS
    ) -> AsyncGenerator[Segment, None]:
        """Yield the segments with the records after `after`, up to the run's last seq as it is given.

        In short reads: none is held while a reader takes.
        """
        cursor, wanted = after, _FIRST_PAGE_RECORDS
        while cursor < run.last_seq:
            segments = await self._store.read_segments(run.id, after=cursor, max_records=wanted)
            wanted = page_records
            if not segments:
                return
            for segment in segments:
                if cursor < run.last_seq:  # what was said since is not asked for
                    yield segment.after(cursor).up_to(run.last_seq)
                cursor = segment.last_seq
