"""A search finds text by its case, as whole words, and by regular expressions, in the visible text of whole lines."""

from collections.abc import Sequence

import pytest

from solorun.record import Level, Record, Stream
from solorun.run import Run
from solorun.store import LogQuery, Store
from solorun.text.pattern import InvalidPattern, SearchOptions
from tests.contracts.builders import later, read_page, start, write

LINES: Sequence[str] = (
    "Connection reset by peer",
    "connections: 12",
    "reset the connection",
    "\x1b[31mconnection\x1b[0m lost",
    "e\u0301cole",
    "École_2",
    "",
    "progress 9%\r\x1b[Kdone",
    "x\\y",
)
CASE, WORD, REGEX = SearchOptions(match_case=True), SearchOptions(whole_word=True), SearchOptions(regex=True)


FOUND = [
    ("connection", CASE, [2, 3, 4]),
    ("Connection", CASE, [1]),
    ("connection", WORD, [1, 3, 4]),
    ("Connection", SearchOptions(match_case=True, whole_word=True), [1]),
    ("école", WORD, [5]),
    ("\u00e9cole", CASE, [5]),
    ("12", WORD, [2]),
    ("connections?:? (reset|\\d+)", REGEX, [1, 2]),
    ("^CONNECTION", REGEX, [1, 2, 4]),
    ("^CONNECTION", SearchOptions(regex=True, match_case=True), []),
    ("connections?", SearchOptions(regex=True, whole_word=True), [1, 2, 3, 4]),
    ("connection.", SearchOptions(regex=True, whole_word=True), [2]),
    ("\\Areset", REGEX, [3]),
    ("(?-m)^reset", REGEX, [3]),
    ("peer\\z", REGEX, [1]),
    ("^$", REGEX, [7]),
    (".*", REGEX, [1, 2, 3, 4, 5, 6, 7, 8, 9]),
    ("[^y]$", REGEX, [1, 2, 3, 4, 5, 6, 8]),
    ("31m|%", REGEX, []),
    ("^done$", REGEX, [8]),
    ("\\\\", REGEX, [9]),
    ("peer\ncon", REGEX, []),
    ("\\s+", REGEX, [1, 2, 3, 4]),
]
FOUND_IN_PARTS = [
    ("the whole", WORD, [2]),
    ("The whole", CASE, [2]),
    ("the .*line$", REGEX, [3]),
    ("^line", REGEX, []),
    ("e", CASE, [1, 2, 3]),
]


async def test_options_decide_what_a_search_finds(store: Store) -> None:
    run = await start(store)
    lines = [
        Record(seq, later(seq), Level.INFO, "extract", Stream.STDOUT, text) for seq, text in enumerate(LINES, start=1)
    ]
    run = await write(store, run, lines[:3], lines[3:])

    assert [(text, options, await _search(store, run, text, options)) for text, options, _ in FOUND] == FOUND


async def test_a_line_in_several_records_is_found_where_the_match_ends(store: Store) -> None:
    run = await start(store)
    parts = [
        Record(seq, later(seq), Level.INFO, "extract", Stream.STDOUT, part, partial=seq < 3)
        for seq, part in enumerate(["The ", "whole ", "line"], start=1)
    ]
    run = await write(store, run, parts[:1], parts[1:])

    found = [(text, options, await _search(store, run, text, options)) for text, options, _ in FOUND_IN_PARTS]

    assert found == FOUND_IN_PARTS


@pytest.mark.parametrize(
    "query",
    [LogQuery(text="the whole", scan=1, after=1), LogQuery(text="the whole", scan=1, before=3)],
    ids=["forwards", "backwards"],
)
async def test_a_part_of_a_log_contains_the_end_of_a_line_that_began_before_it(store: Store, query: LogQuery) -> None:
    run = await start(store)
    parts = [
        Record(seq, later(seq), Level.INFO, "extract", Stream.STDOUT, part, partial=seq < 3)
        for seq, part in enumerate(["The ", "whole ", "line"], start=1)
    ]
    run = await write(store, run, parts[:1], parts[1:])

    page = await read_page(store, run.id, query)

    assert [record.seq for record in page.records] == [2]


async def test_an_expression_that_would_take_long_is_refused(store: Store) -> None:
    run = await start(store)

    for pattern in ["(", "a)(b", "(?<=a)b", r"(a)\1", "\\pL{100}", "(?:a{1000}){1000}"]:
        with pytest.raises(InvalidPattern):
            await store.read_log(run.id, LogQuery(text=pattern, options=REGEX))


async def _search(store: Store, run: Run, text: str, options: SearchOptions) -> list[int]:
    page = await read_page(store, run.id, LogQuery(text=text, options=options))
    assert page.matches == len(page.records)
    return [record.seq for record in page.records]
