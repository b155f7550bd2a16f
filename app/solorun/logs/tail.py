"""Follows a run's log for a reader: from memory if recent, else from the store, then live, then the end.

Exact from any point: no gap and no repeat, across the edge between memory and store and across restarts of the service.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from solorun.errors import StoreFailure
from solorun.logs.fan_out import Receiver
from solorun.logs.hub import Hub
from solorun.run import Run
from solorun.segment import Segment
from solorun.store import MAX_PAGE_RECORDS, RunStore

_FIRST_PAGE_RECORDS: Final = 1
"""The first page is one segment: its lines arrive soonest, and hundreds of readers that stall hold little."""


_MAX_POLL_SECONDS: Final = 0.5


class SharedReads:
    """Followers at the same place at the same time share one read, and what is encoded of its segments.

    Hundreds of readers that connect together take one read, not hundreds. Nothing is kept once a read has ended, so a
    later reader sees what was added since.
    """

    def __init__(self, store: RunStore) -> None:
        self._store = store
        self._reads: dict[tuple[int, int, int], asyncio.Future[list[Segment]]] = {}

    async def read(self, run_id: int, *, after: int, max_records: int) -> list[Segment]:
        """Like the store's `read_segments`. A caller that is cancelled leaves the read to the others."""
        place = run_id, after, max_records
        read = self._reads.get(place)
        if read is None:
            reading = self._store.read_segments(run_id, after=after, max_records=max_records)
            read = self._reads[place] = asyncio.create_task(reading)
            read.add_done_callback(lambda _: self._reads.pop(place))
        return await asyncio.shield(read)


class Tail:
    """Reads logs for any number of followers; a follower costs no more than its cursor."""

    def __init__(self, hub: Hub, store: RunStore, *, poll_seconds: float = 0.05) -> None:
        self._hub = hub
        self._store = store
        self._reads = SharedReads(store)
        self._poll_seconds = poll_seconds

    def find_after(self, run: Run, *, tail: int) -> int:
        """The seq after which a follower begins that wants the last `tail` of the present records."""
        topic = self._hub.find(run.id)
        return max(0, (topic.run if topic is not None else run).last_seq - tail)

    async def read_stored(
        self, run: Run, *, after: int = 0, page_records: int = MAX_PAGE_RECORDS
    ) -> AsyncGenerator[Segment, None]:
        """Yield the segments with the records after `after`, up to the last seq that `run` has.

        Reads are short: none is held open while a reader processes what it got. Raises RunNotFound if the run is
        deleted meanwhile.
        """
        cursor, wanted = after, _FIRST_PAGE_RECORDS
        while cursor < run.last_seq:
            segments = await self._reads.read(run.id, after=cursor, max_records=wanted)
            wanted = page_records
            if not segments:
                await self._store.get_run(run.id)
                return
            for segment in segments:
                if cursor < run.last_seq:  # leave out what was logged since
                    yield segment.after(cursor).up_to(run.last_seq)
                cursor = segment.last_seq

    async def follow(
        self,
        run_id: int,
        *,
        after: int = 0,
        page_records: int = MAX_PAGE_RECORDS,
        receiver: Receiver | None = None,
    ) -> AsyncGenerator[Segment | Run, None]:
        """Yield segments with the records after `after`, in order and without gaps, and finally the ended run.

        Waits for records that do not exist yet; with an `after` beyond the last record, for those that come after it,
        or for the end. `page_records` limits what is read from the store at a time. At the end of the log, new segments
        go to `receiver` first, in the writer's own turn, and only those that it does not accept are yielded. Raises
        RunNotFound, after the first item only if the run is deleted meanwhile. Can be closed at any await.
        """
        cursor, wanted = after, _FIRST_PAGE_RECORDS
        pause = self._poll_seconds
        while True:
            topic = self._hub.find(run_id)
            if topic is None:
                run = await self._store.get_run(run_id)
                async with aclosing(self.read_stored(run, after=cursor, page_records=page_records)) as stored:
                    async for segment in stored:
                        yield segment
                        cursor, pause = segment.last_seq, self._poll_seconds
                if run.has_ended:
                    yield run
                    return
                # Not opened here yet, or waiting for the reaper: a matter of milliseconds. Or another service's run.
                await asyncio.sleep(pause)
                pause = min(2 * pause, _MAX_POLL_SECONDS)
                continue
            while not topic.run.has_ended or cursor < topic.run.last_seq:
                segments = topic.find_recent(cursor)
                if segments is None:
                    segments = await self._reads.read(run_id, after=cursor, max_records=wanted)
                    wanted = page_records
                    if not segments:
                        await self._store.get_run(run_id)
                        raise StoreFailure(f"the log of run {run_id} has lost the records after {cursor}")
                for segment in segments:
                    yield segment.after(cursor)
                    cursor = segment.last_seq
                if not segments:
                    cursor = await topic.wait_after(cursor, receiver)
            yield topic.run
            return
