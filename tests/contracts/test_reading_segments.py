"""A log is read page by page, exactly, even while its segments are compacted."""

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from solorun.record import Level
from solorun.run import LevelCounts
from solorun.store import Store
from solorun.wire.encoding import decode_records
from tests.contracts.builders import end, read_all, records, segment_of, start, write
from tests.contracts.conftest import OpenStore


async def test_segments_are_read_as_committed(store: Store) -> None:
    run = await write(store, await start(store), records(1, 3), records(4, 9, level=Level.WARNING))

    assert await store.read_segments(run.id, after=0) == [
        segment_of(run.id, records(1, 3)),
        segment_of(run.id, records(4, 9, level=Level.WARNING)),
    ]


async def test_the_first_segment_may_begin_before_the_requested_seq(store: Store) -> None:
    run = await write(store, await start(store), records(1, 3), records(4, 9))

    (found,) = await store.read_segments(run.id, after=5)

    assert (found.first_seq, found.last_seq) == (4, 9)


@pytest.mark.parametrize("after", [9, 10, 2**63 - 1, 10**30])
async def test_after_the_last_record_there_is_nothing(store: Store, after: int) -> None:
    run = await write(store, await start(store), records(1, 9))

    assert await store.read_segments(run.id, after=after) == []


async def test_a_page_has_at_most_four_thousand_records(store: Store) -> None:
    parts = [records(first, first + 899) for first in range(1, 5401, 900)]
    run = await write(store, await start(store), *parts)

    page = await store.read_segments(run.id, after=0)

    assert [segment.last_seq for segment in page] == [900, 1800, 2700, 3600]


async def test_a_page_respects_the_limit_but_has_at_least_one_segment(store: Store) -> None:
    run = await write(store, await start(store), records(1, 300), records(301, 600), records(601, 900))

    pages = [await store.read_segments(run.id, after=0, max_records=limit) for limit in (1, 299, 600)]

    assert [[segment.last_seq for segment in page] for page in pages] == [[300], [300], [300, 600]]


async def test_a_page_of_large_records_has_about_a_mebibyte(store: Store) -> None:
    large = [replace(record, message="x" * 16_384) for record in records(1, 96)]
    run = await write(store, await start(store), *(large[index : index + 16] for index in range(0, 96, 16)))

    page = await store.read_segments(run.id, after=0)

    assert [segment.last_seq for segment in page] == [16, 32, 48]


async def test_a_segment_above_the_limits_is_a_whole_page(store: Store) -> None:
    run = await write(store, await start(store), records(1, 3), records(4, 5000), records(5001, 5002))

    pages = [await store.read_segments(run.id, after=after) for after in (0, 3, 5000)]

    assert [[segment.last_seq for segment in page] for page in pages] == [[3], [5000], [5002]]


async def test_a_run_has_only_its_own_records(store: Store) -> None:
    first = await write(store, await start(store, "handbook"), records(1, 3))
    second = await write(store, await start(store, "glossary"), records(1, 5))

    assert await read_all(store, first.id) == records(1, 3)
    assert await read_all(store, second.id) == records(1, 5)


async def test_compaction_leaves_fewer_segments_with_the_same_records(store: Store) -> None:
    parts = [records(first, first + 9) for first in range(1, 5001, 10)]
    run = await end(store, await write(store, await start(store), *parts))

    await _compact_fully(store, run.id)

    page_ends = [segment.last_seq for after in (0, 4000) for segment in await store.read_segments(run.id, after=after)]
    assert page_ends == [1000, 2000, 3000, 4000, 5000]
    assert await read_all(store, run.id) == records(1, 5000)
    (first, *_) = await store.read_segments(run.id, after=0)
    assert first.level_counts == LevelCounts(info=1000)


async def test_compacted_segments_are_full_across_calls(store: Store) -> None:
    parts = [records(first, first + 6) for first in range(1, 8401, 7)]
    run = await end(store, await write(store, await start(store), *parts))

    await _compact_fully(store, run.id)

    sizes = [(await store.read_segments(run.id, after=after))[0].record_count for after in range(0, 7952, 994)]
    assert sizes == [994] * 8


async def test_a_compaction_call_is_bounded(store: Store) -> None:
    parts = [records(first, first + 9) for first in range(1, 9001, 10)]
    run = await end(store, await write(store, await start(store), *parts))

    more = await store.compact_segments(run.id)

    assert more
    rest = await store.read_segments(run.id, after=8000)
    assert rest[0].record_count == 10


async def test_full_segments_need_no_compaction(store: Store) -> None:
    run = await end(store, await write(store, await start(store), records(1, 1000), records(1001, 2000)))
    before = await store.read_segments(run.id, after=0)

    more = await store.compact_segments(run.id)

    assert not more
    assert await store.read_segments(run.id, after=0) == before


@pytest.mark.parametrize("run_id", [1, 4711, 10**30])
async def test_compacting_a_run_without_records_does_nothing(store: Store, run_id: int) -> None:
    await end(store, await start(store))

    assert not await store.compact_segments(run_id)


async def test_a_reader_during_compaction_sees_no_gap_and_no_repeat(store: Store) -> None:
    parts = [records(first, first + 6) for first in range(1, 4201, 7)]
    run = await end(store, await write(store, await start(store), *parts))

    reading = asyncio.gather(*(read_all(store, run.id, after=after) for after in (0, 3, 999)))
    await _compact_fully(store, run.id)
    read = await reading

    assert [len(found) for found in read] == [4200, 4197, 3201]
    assert read[0] == records(1, 4200)


async def test_two_simultaneous_compactions_are_safe(store: Store) -> None:
    parts = [records(first, first + 6) for first in range(1, 4201, 7)]
    run = await end(store, await write(store, await start(store), *parts))

    await asyncio.gather(_compact_fully(store, run.id), _compact_fully(store, run.id))

    assert await read_all(store, run.id) == records(1, 4200)


async def test_a_run_can_be_compacted_again(store: Store) -> None:
    run = await end(store, await write(store, await start(store), records(1, 3), records(4, 9)))
    await _compact_fully(store, run.id)

    await _compact_fully(store, run.id)

    assert await read_all(store, run.id) == records(1, 9)


@given(sizes=st.lists(st.integers(1, 400), min_size=1, max_size=12), data=st.data())
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_reading_from_any_seq_is_exact_before_and_after_compaction(
    open_database: OpenStore, sizes: list[int], data: st.DataObject
) -> None:
    total = sum(sizes)
    after = data.draw(st.integers(0, total + 1))
    # A new store, because the event loop is a new one for each example.
    store = await open_database()
    try:
        ends = [sum(sizes[: index + 1]) for index in range(len(sizes))]
        parts = [records(last - size + 1, last) for size, last in zip(sizes, ends, strict=True)]
        run = await end(store, await write(store, await start(store), *parts))

        before_compaction = await read_all(store, run.id, after=after)
        await _compact_fully(store, run.id)
        after_compaction = await read_all(store, run.id, after=after)
    finally:
        await store.close()

    assert before_compaction == after_compaction == records(after + 1, total)


async def test_any_text_is_read_as_written(store: Store) -> None:
    texts = [
        "",
        "\x00",
        "\r",
        'a "quoted" \\ line',
        "日本語 \u2028 \u0085",
        "\x1b[31mred\x1b[0m",
        "😀" * 4000,
        "data: x\n\n",
    ]
    content = [replace(record, message=text) for record, text in zip(records(1, len(texts)), texts, strict=True)]
    run = await write(store, await start(store), content)

    (found,) = await store.read_segments(run.id, after=0)

    assert decode_records(found.payload) == content


async def _compact_fully(store: Store, run_id: int) -> None:
    while await store.compact_segments(run_id):
        pass
