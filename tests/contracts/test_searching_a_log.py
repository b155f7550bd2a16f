"""A search of a log finds the text that a reader sees."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from solorun.record import Level, Record, Stream
from solorun.store import MAX_PAGE_BYTES, LogQuery, Store
from solorun.wire.encoding import encode
from tests.contracts.builders import end, later, read_page, records, start, write
from tests.contracts.conftest import OpenStore
from tests.contracts.test_reading_a_log import MESSAGES, expected_page

_QUERIES = (*MESSAGES, "ss", "k", "i", "SAY", "\\", '"', "\t", "\x1b", "語", "é", "x", "info", "\\n", "s", "\ud800")


@given(
    messages=st.lists(st.sampled_from(MESSAGES), min_size=1, max_size=12),
    text=st.sampled_from(_QUERIES),
    limit=st.integers(0, 5),
    after=st.none() | st.integers(-1, 13),
    before=st.none() | st.integers(-1, 14),
    cut=st.integers(1, 12),
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_a_search_finds_exactly_what_is_visible(
    open_database: OpenStore,
    messages: list[str],
    text: str,
    limit: int,
    after: int | None,
    before: int | None,
    cut: int,
) -> None:
    content = [
        Record(seq, later(seq), Level.INFO, "extract", Stream.STDERR, message)
        for seq, message in enumerate(messages, start=1)
    ]
    query = LogQuery(after=after, before=before, limit=limit, text=text)
    # A new store, because the event loop is a new one for each example.
    store = await open_database()
    try:
        parts = [part for part in (content[:cut], content[cut:]) if part]
        run = await write(store, await start(store), *parts)
        page = await read_page(store, run.id, query)
        await end(store, run)
    finally:
        await store.close()

    expected = expected_page(content, query)
    assert (page.records, page.matches) == (expected.records, expected.matches)


@pytest.mark.parametrize(
    ("query", "context"),
    [
        (LogQuery(after=0, limit=1, text="hit", context=2), range(8, 13)),
        (LogQuery(limit=1, text="hit", context=2, scan=50), range(28, 31)),
        (LogQuery(after=1, step="extract", level=Level.ERROR, context=1), range(9, 12)),
        (LogQuery(after=0, limit=1, context=3), range(1, 5)),
        (LogQuery(after=0, limit=1, text="hit"), range(0)),
        (LogQuery(after=0, limit=1, text="nowhere", context=2), range(0)),
    ],
    ids=["forwards", "backwards", "of-a-level", "at-the-beginning", "not-asked-for", "without-a-match"],
)
async def test_a_page_has_the_records_around_its_nearest_match(store: Store, query: LogQuery, context: range) -> None:
    content = [
        Record(
            seq,
            later(seq),
            Level.INFO if seq % 10 else Level.ERROR,
            "extract",
            Stream.STDOUT,
            "other" if seq % 10 else "hit",
        )
        for seq in range(1, 31)
    ]
    run = await write(store, await start(store), *(content[index : index + 9] for index in range(0, 30, 9)))

    page = await read_page(store, run.id, query)

    assert page.context == tuple(content[seq - 1] for seq in context)


async def test_a_page_and_the_context_of_its_nearest_match_fit_into_one_page(store: Store) -> None:
    run = await start(store)
    await write(store, run, [replace(record, data={"item": "x" * 100_000}) for record in records(1, 40)])

    page = await read_page(store, run.id, LogQuery(after=19, limit=1, context=20))

    assert len(encode(page)) <= MAX_PAGE_BYTES + 200
    assert [record.seq for record in page.context] == [16, 17, 18, 19, 20, 21, 22, 23, 24]
