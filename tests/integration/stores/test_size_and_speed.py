"""The size of a log on disk, and searches that leave room for other readers."""

import asyncio
import random
import sqlite3
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import anyio
import pytest
from msgspec.structs import replace

from solorun.errors import StoreCorrupted
from solorun.record import Event, Level, Record, Stream
from solorun.run import Run
from solorun.store import LogQuery
from solorun.stores.sql.log_queries import SHORT_SCAN_RECORDS, SLICE_RECORDS, read_log
from solorun.stores.sqlite import SqliteRunStore
from solorun.stores.sqlite.connection import Connection
from tests.contracts.builders import OWNER, batch_of, decode_page, end, later, read_page, records, start, write

T = TypeVar("T")

_WORDS = (
    "compiled", "extracted", "term", "definition", "document", "heading", "context", "glossary", "frequency", "review",
    "duplicate", "missing", "circular", "entry", "chapter", "section", "candidate", "japanese", "english", "offset",
    "record", "segment", "writer", "channel", "follower",
)  # fmt: skip


@pytest.fixture
async def reader(store: SqliteRunStore, data_dir: Path) -> AsyncIterator[Connection]:
    connection = Connection.reader(data_dir / "solorun.db")
    await connection.open()
    yield connection
    await connection.close()


async def test_a_line_of_92_bytes_takes_at_most_50_bytes_on_disk(
    store: SqliteRunStore, foreign: sqlite3.Connection
) -> None:
    run = await end(store, await _write_varied(store, 20_000, per_segment=20))

    await _compact_fully(store, run.id)

    ((pages,),) = foreign.execute("PRAGMA page_count").fetchall()
    ((free,),) = foreign.execute("PRAGMA freelist_count").fetchall()
    assert (pages - free) * 4096 / 20_000 <= 50


async def test_a_long_search_is_split_into_slices(store: SqliteRunStore, reader: Connection) -> None:
    run = await _write_varied(store, 30_000, per_segment=1000)
    slices = 0

    async def count_slices(function: Callable[[sqlite3.Connection], T]) -> T:
        nonlocal slices
        slices += 1
        return await reader.transact(function)

    page = await read_log(count_slices, anyio.Semaphore(1), run.id, LogQuery(text="E", limit=10))

    assert page.matches > 25_000
    assert slices >= 30_000 / SLICE_RECORDS


async def test_a_search_counts_the_log_as_it_was_when_it_began(store: SqliteRunStore, reader: Connection) -> None:
    run = await _write_varied(store, 6_000, per_segment=1000)

    async def read_while_the_log_grows(function: Callable[[sqlite3.Connection], T]) -> T:
        answer = await reader.transact(function)
        current = await store.get_run(run.id)
        await store.commit([batch_of(current, [_varied(current.last_seq + 1, random.Random(20))])], owner=OWNER)
        return answer

    query = LogQuery(step="extract", limit=1)
    page = decode_page(await read_log(read_while_the_log_grows, anyio.Semaphore(1), run.id, query))

    assert (page.matches, page.records[0].seq) == (6_000, 6_000)
    assert not page.more_after


async def test_a_search_for_events_reads_only_segments_that_have_some(
    store: SqliteRunStore, foreign: sqlite3.Connection
) -> None:
    run = await start(store)
    with_event = [replace(record, event=Event.GROUP, data={"name": "a"}) for record in records(3, 3)]
    await write(store, run, records(1, 2), with_event, records(4, 5))
    # Reading any of the other segments now fails.
    foreign.execute("UPDATE segments SET payload = x'00' WHERE has_events = 0")

    page = await read_page(store, run.id, LogQuery(events=frozenset({Event.GROUP})))

    assert [record.seq for record in page.records] == [3]
    assert page.matches == 1
    with pytest.raises(StoreCorrupted):
        await store.read_log(run.id, LogQuery(text="no such text"))


async def test_only_searches_of_long_logs_wait_for_each_other(store: SqliteRunStore, reader: Connection) -> None:
    short = await _write_varied(store, 1, per_segment=1)
    await end(store, short)
    run = await _write_varied(store, SHORT_SCAN_RECORDS + 1000, per_segment=1000)
    read = partial(read_log, reader.transact)

    async with anyio.Semaphore(1) as scans:
        search = asyncio.create_task(read(scans, run.id, LogQuery(text="e")))
        while not scans.statistics().tasks_waiting:
            await asyncio.sleep(0)
        plain = await read(scans, run.id, LogQuery())
        errors = await read(scans, run.id, LogQuery(step="extract", level=Level.ERROR))
        search_of_short_log = await read(scans, short.id, LogQuery(text="e"))
        assert not search.done()

    assert plain.records == (await search).records
    assert (errors.matches, search_of_short_log.matches) == (0, 1)


async def _compact_fully(store: SqliteRunStore, run_id: int) -> None:
    while await store.compact_segments(run_id):
        pass


async def _write_varied(store: SqliteRunStore, count: int, *, per_segment: int) -> Run:
    generator = random.Random(20)
    run = await start(store)
    for first in range(1, count + 1, per_segment):
        batch = batch_of(run, [_varied(seq, generator) for seq in range(first, first + per_segment)])
        await store.commit([batch], owner=OWNER)
        run = batch.run
    return run


def _varied(seq: int, generator: random.Random) -> Record:
    """A line of 92 bytes that compresses badly."""
    text = f"{generator.random():.12f} " + " ".join(generator.choices(_WORDS, k=14))
    return Record(seq, later(seq * 0.001 + generator.random() / 1000), Level.INFO, "extract", Stream.STDOUT, text[:92])


async def test_pages_are_short_while_others_read(store: SqliteRunStore) -> None:
    run = await write(store, await start(store), *(records(first, first + 999) for first in range(1, 4001, 1000)))

    alone = await store.read_segments(run.id, after=0)
    beside = await asyncio.gather(*(store.read_segments(run.id, after=0) for _ in range(3)))

    assert [len(alone), *map(len, beside)] == [4, 4, 1, 1]
