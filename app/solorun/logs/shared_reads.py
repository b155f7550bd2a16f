"""Reads segments for many followers: those that are at the same place at the same time share one read.

They also share what is encoded of its segments. Hundreds of readers that connect together take one read, not hundreds.
"""

import asyncio

from solorun.segment import Segment
from solorun.store import RunStore


class SharedReads:
    """The reads in progress. Nothing is kept once a read has ended, so a later reader sees what was added since."""

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
