"""Readers at the same place share a read of the store and what is encoded of it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from solorun.errors import StoreUnavailable
from solorun.logs.tail import SharedReads
from solorun.segment import Segment
from solorun.stores.sqlite import SqliteRunStore
from tests.contracts.builders import records, start, write
from tests.fakes.stores import FaultyStore


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[FaultyStore]:
    store = await SqliteRunStore.open(tmp_path)
    run = await start(store)
    await write(store, run, records(1, 10), records(11, 20))
    yield FaultyStore(store)
    await store.close()


@pytest.fixture
def reads(store: FaultyStore) -> SharedReads:
    return SharedReads(store.as_store())


def read(reads: SharedReads, *, after: int = 0) -> asyncio.Task[list[Segment]]:
    return asyncio.create_task(reads.read(1, after=after, max_records=1))


async def test_readers_of_the_same_place_share_the_segments(store: FaultyStore, reads: SharedReads) -> None:
    first, second, other = await asyncio.gather(read(reads), read(reads), read(reads, after=10))

    assert first[0] is second[0]
    assert other[0].first_seq == 11
    assert store.calls == ["read_segments", "read_segments"]


async def test_a_later_reader_reads_again(store: FaultyStore, reads: SharedReads) -> None:
    await read(reads)
    await read(reads)

    assert store.calls == ["read_segments", "read_segments"]


async def test_a_reader_that_leaves_does_not_end_the_read_of_the_others(store: FaultyStore, reads: SharedReads) -> None:
    gate = store.hold("read_segments")
    leaving, staying = read(reads), read(reads)
    await gate.reached.wait()
    leaving.cancel()
    await asyncio.wait([leaving])
    gate.open()

    assert [segment.first_seq for segment in await staying] == [1]


async def test_a_failed_read_fails_for_its_readers_only(store: FaultyStore, reads: SharedReads) -> None:
    store.fail("read_segments", StoreUnavailable("The database is locked."))
    failed = await asyncio.gather(read(reads), read(reads), return_exceptions=True)

    assert [type(error) for error in failed] == [StoreUnavailable, StoreUnavailable]
    assert [segment.first_seq for segment in await read(reads)] == [1]
