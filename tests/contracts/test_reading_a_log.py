"""Pages of a log: bounds, filters, search, the number of matches, and whether there is more on either side."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict
from dataclasses import replace as replace_query
from itertools import accumulate

import pytest
from msgspec.structs import replace

from solorun.errors import RunNotFound
from solorun.record import Event, Level, LogPage, Record, Stream
from solorun.run import Attempt, RunStep
from solorun.status import Status, StepStatus
from solorun.store import MAX_PAGE_BYTES, LogQuery, Store
from solorun.text.folding import fold
from solorun.text.terminal import visible_text
from solorun.wire.encoding import encode
from tests.contracts.builders import OWNER, batch_of, end, ending, later, read_page, records, start, write

MESSAGES = (
    "Straße", "STRASSE", "kelvin \u212a", "Kelvin K", "İstanbul", "istanbul", "ﬁnal", "final", "ΣΊΣΥΦΟΣ", "σίσυφος",
    'say "hi"', "back\\slash", "tab\there", "\x1b[1mBold\x1b[0m", "日本語の用語", "ÉCOLE", "école", "", "\n", "null",
)  # fmt: skip
_EVENTS = {
    1: Event.STEP, 3: Event.PROGRESS, 4: Event.PROGRESS, 90: Event.GROUP, 91: Event.GROUP, 700: Event.STEP,
    701: Event.STEP, 1200: Event.ARTIFACT, 2100: Event.CANCEL,
}  # fmt: skip


def _log() -> list[Record]:
    """Three steps of 700 records each, every fifth a warning, every fiftieth an error; few have an event."""
    return [
        Record(
            seq,
            later(seq),
            Level.ERROR if seq % 50 == 0 else Level.WARNING if seq % 5 == 0 else Level.INFO,
            ("extract", "review", None)[(seq - 1) // 700],
            Stream.STDERR if seq % 11 == 0 else Stream.STDOUT,
            f'Term {seq % 7} of PAGE {seq},"event":"cancel",' if seq == 20 else f"Term {seq % 7} of PAGE {seq}",
            _EVENTS.get(seq),
            {"current": 1, "total": 2, "item": ',"level":"error","step":"review",'} if seq == 3 else None,
        )
        for seq in range(1, 2101)
    ]


_ATTEMPTS: Mapping[tuple[str | None, int], range] = {
    ("extract", 1): range(1, 701),
    ("review", 1): range(701, 1001),
    ("review", 2): range(1001, 1401),
}


def expected_page(content: Sequence[Record], query: LogQuery) -> LogPage:
    """The page that the contract requires, computed in the simplest way."""
    matching = [
        record
        for record in content
        if (query.level is None or record.level in query.level.at_least)
        and (query.step is None or record.step == query.step)
        and (query.attempt is None or record.seq in _ATTEMPTS.get((query.step, query.attempt), ()))
        and (query.stream is None or record.stream is query.stream)
        and (not query.events or record.event in query.events)
        and (not query.text or fold(query.text) in fold(visible_text(record.message)))
    ]
    if query.scan is not None:
        return _expected_part(content, matching, query, query.scan)
    low = query.after if query.after is not None else 0
    high = query.before if query.before is not None else len(content) + 1
    inside = [record for record in matching if low < record.seq < high]
    shown = inside[: query.limit] if query.after is not None else inside[max(0, len(inside) - query.limit) :]
    boundary = low + 1 if query.after is not None else high
    first, last = (shown[0].seq, shown[-1].seq) if shown else (boundary, boundary - 1)
    return LogPage(
        tuple(shown),
        len(matching),
        any(record.seq < first for record in matching),
        any(record.seq > last for record in matching),
        (last if query.after is not None else first) if 0 < len(shown) < len(inside) else None,
    )


def _expected_part(content: Sequence[Record], matching: Sequence[Record], query: LogQuery, scan: int) -> LogPage:
    """With `scan`: the nearest records to the bound, of which the page has those that match, until it is full."""
    of_step = [record.seq for record in content if query.step in (None, record.step)]
    near = [seq for seq in of_step if (query.after or 0) < seq < (query.before or len(content) + 1)]
    if query.after is None:
        read = near[max(0, len(near) - scan) :]
        shown = [record for record in matching if record.seq in read][-query.limit :]
        reached = shown[0].seq if len(shown) == query.limit else read[0]
        following = reached if near[0] < reached else None
        return LogPage(tuple(shown), len(shown), following is not None, near[-1] < of_step[-1], following)
    read = near[:scan]
    shown = [record for record in matching if record.seq in read][: query.limit]
    reached = shown[-1].seq if len(shown) == query.limit else read[-1]
    following = reached if near[-1] > reached else None
    return LogPage(tuple(shown), len(shown), of_step[0] < near[0], following is not None, following)


def _describe(query: LogQuery) -> str:
    """The fields that are set. Sets are sorted: every process that collects the tests gives a test the same id."""
    members = {name: value for name, value in asdict(query).items() if value not in (None, frozenset())}
    return " ".join(f"{name}={sorted(value) if name == 'events' else value}" for name, value in members.items())


async def _write_log(store: Store, *, status: Status | None) -> int:
    run = await start(store)
    content = _log()
    run = await write(store, run, *(content[index : index + 90] for index in range(0, len(content), 90)))
    attempts = (
        Attempt(1, StepStatus.FAILED, later(3), later(4), 1, "exit code 1", 701, 1000),
        Attempt(2, StepStatus.RUNNING, later(5), first_seq=1001),
    )
    steps = [
        RunStep("extract", StepStatus.COMPLETED, later(1), later(2), 0, None, 1, 700),
        RunStep("review", StepStatus.RUNNING, later(3), first_seq=701, max_attempts=2, attempts=attempts),
    ]
    await store.commit([batch_of(run, steps=steps)], owner=OWNER)
    if status is not None:
        await end(store, run, status)
    return run.id


@pytest.mark.parametrize("status", [None, Status.COMPLETED], ids=["live", "ended"])
@pytest.mark.parametrize(
    "query",
    [
        LogQuery(),
        LogQuery(limit=10),
        LogQuery(after=0, limit=10),
        LogQuery(after=2095, limit=10),
        LogQuery(after=2100),
        LogQuery(after=5000),
        LogQuery(after=10**30),
        LogQuery(before=10, limit=100),
        LogQuery(before=1),
        LogQuery(before=10**30, limit=5),
        LogQuery(after=10, before=20),
        LogQuery(after=10, before=20, limit=3),
        LogQuery(after=10, before=11),
        LogQuery(limit=0),
        LogQuery(after=5, limit=0),
        LogQuery(step="extract", attempt=1, limit=5),
        LogQuery(step="extract", attempt=2),
        LogQuery(step="review", attempt=1, after=0, limit=300),
        LogQuery(step="review", attempt=1, level=Level.ERROR),
        LogQuery(step="review", attempt=2, limit=5),
        LogQuery(step="review", attempt=3),
        LogQuery(level=Level.DEBUG, limit=3),
        LogQuery(level=Level.WARNING, limit=7),
        LogQuery(level=Level.ERROR),
        LogQuery(level=Level.ERROR, after=1000, limit=2),
        LogQuery(level=Level.ERROR, before=1000, limit=2),
        LogQuery(level=Level.ERROR, after=2100),
        LogQuery(level=Level.ERROR, after=10, before=20),
        LogQuery(level=Level.ERROR, before=30),
        LogQuery(scan=500),
        LogQuery(after=0, scan=500, limit=20),
        LogQuery(text="term 3", scan=500),
        LogQuery(text="term 3", scan=500, limit=10),
        LogQuery(text="term 3", after=1000, scan=500),
        LogQuery(text="term 3", after=1000, scan=500, limit=10),
        LogQuery(text="term 3", before=1000, scan=5000, limit=10),
        LogQuery(text="nowhere", after=0, scan=2000),
        LogQuery(text="nowhere", after=0, scan=2100),
        LogQuery(text="term 3", step="extract", scan=100),
        LogQuery(text="term 3", step="review", after=800, before=1200, scan=300),
        LogQuery(step="extract"),
        LogQuery(step="extract", after=100, limit=10),
        LogQuery(step="extract", before=100, limit=10),
        LogQuery(step="review", level=Level.ERROR),
        LogQuery(step="review", after=2000),
        LogQuery(step="unknown"),
        LogQuery(stream=Stream.STDERR, limit=20),
        LogQuery(stream=Stream.STDERR, after=300, limit=20),
        LogQuery(stream=Stream.STDERR, step="review", level=Level.WARNING, text="term 3"),
        LogQuery(stream=Stream.STEP),
        LogQuery(text="page 77"),
        LogQuery(text="TERM 3", limit=20),
        LogQuery(text="term 3", after=300, limit=20),
        LogQuery(text="term 3", before=300, limit=20),
        LogQuery(text="term 3", after=300, before=310),
        LogQuery(text="term", step="extract", level=Level.WARNING, limit=5),
        LogQuery(text="nowhere"),
        LogQuery(text=""),
        LogQuery(events=frozenset(Event)),
        LogQuery(events=frozenset(Event), after=3, limit=2),
        LogQuery(events=frozenset(Event), before=701, limit=2),
        LogQuery(events=frozenset({Event.CANCEL})),
        LogQuery(events=frozenset({Event.STEP, Event.ARTIFACT}), level=Level.ERROR),
        LogQuery(events=frozenset({Event.STEP}), step="review"),
        LogQuery(events=frozenset({Event.PROGRESS, Event.GROUP}), text="page 9"),
        LogQuery(events=frozenset({Event.ARTIFACT}), after=1200),
    ],
    ids=_describe,
)
async def test_a_page_matches_the_contract(store: Store, query: LogQuery, status: Status | None) -> None:
    run_id = await _write_log(store, status=status)

    page = await read_page(store, run_id, query)

    assert page == expected_page(_log(), query)


@pytest.mark.parametrize(
    "query", [LogQuery(), LogQuery(text="x"), LogQuery(level=Level.ERROR, after=3), LogQuery(events=frozenset(Event))]
)
async def test_an_empty_log_is_an_empty_page(store: Store, query: LogQuery) -> None:
    run = await start(store)

    assert await read_page(store, run.id, query) == LogPage((), 0, False, False)


async def test_a_page_has_the_bytes_of_the_stored_records(store: Store) -> None:
    run = await start(store)
    await write(store, run, records(1, 3))

    page = await store.read_log(run.id, LogQuery())

    (segment,) = await store.read_segments(run.id, after=0)
    assert list(map(bytes, page.records)) == segment.lines()


@pytest.mark.parametrize("run_id", [4711, 10**30])
@pytest.mark.parametrize("query", [LogQuery(), LogQuery(text="x")])
async def test_the_log_of_an_unknown_run_is_not_found(store: Store, run_id: int, query: LogQuery) -> None:
    with pytest.raises(RunNotFound):
        await read_page(store, run_id, query)


async def test_all_of_many_small_segments_are_searched(store: Store) -> None:
    run = await start(store)
    singles = accumulate(
        range(2, 4501), lambda last, seq: batch_of(last.run, records(seq, seq)), initial=batch_of(run, records(1, 1))
    )
    await store.commit(list(singles), owner=OWNER)

    page = await read_page(store, run.id, LogQuery(text="LINE", limit=1))

    assert (page.matches, page.records) == (4500, tuple(records(4500, 4500)))


@pytest.mark.parametrize("query", [LogQuery(), LogQuery(text="x"), LogQuery(level=Level.INFO)], ids=_describe)
async def test_pages_of_large_records_end_at_a_megabyte(store: Store, query: LogQuery) -> None:
    run = await start(store)
    content = [replace(record, message="x" + "\0" * 16_000) for record in records(1, 40)]
    await write(store, run, content[:20], content[20:])

    forward = [page async for page in _read_forward(store, run.id, query)]
    backward = [page async for page in _read_backward(store, run.id, query)]

    assert [record for page in forward for record in page.records] == content
    assert [record for page in reversed(backward) for record in page.records] == content
    assert [len(page.records) for page in forward] == [len(page.records) for page in backward] == [10, 10, 10, 10]
    assert all(len(encode(page)) <= MAX_PAGE_BYTES + 200 for page in forward)


async def test_a_page_contains_a_record_of_any_size(store: Store) -> None:
    run = await start(store)
    content = [replace(record, data={"item": "x" * MAX_PAGE_BYTES}) for record in records(1, 2)]
    await write(store, run, content)

    page = await read_page(store, run.id, LogQuery(after=0))

    assert (page.records, page.next) == ((content[0],), 1)


async def _read_forward(store: Store, run_id: int, query: LogQuery) -> AsyncIterator[LogPage]:
    after: int | None = 0
    while after is not None:
        page = await read_page(store, run_id, replace_query(query, after=after))
        yield page
        after = page.next


async def _read_backward(store: Store, run_id: int, query: LogQuery) -> AsyncIterator[LogPage]:
    page = await read_page(store, run_id, query)
    yield page
    while page.next is not None:
        page = await read_page(store, run_id, replace_query(query, before=page.next))
        yield page


async def test_a_step_that_never_ended_is_searched_to_the_end_of_the_log(store: Store) -> None:
    run = await start(store)
    working = RunStep("extract", StepStatus.RUNNING, later(1), first_seq=1, last_seq=1)
    await store.commit([batch_of(run, records(1, 50), steps=[working])], owner=OWNER)
    await store.finalize_run(run.id, owner=None, ending=ending(Status.INTERRUPTED, "died"))

    assert (await read_page(store, run.id, LogQuery(step="extract"))).matches == 50
