"""Which ended runs a project no longer keeps."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from solorun.project import Keep
from solorun.runs.expiry import find_expired
from solorun.store import EndedRun

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DAY = 86400.0


def ended(run_id: int, *, days: float = 0, completed: bool = False, pinned: bool = False) -> EndedRun:
    return EndedRun(run_id, NOW - timedelta(days=days), completed, pinned)


def expired(keep: Keep, *runs: EndedRun, sizes: dict[int, int] | None = None) -> list[int]:
    """The expired runs among these, which are in the order of their ids."""
    return [run.id for run in find_expired(keep, runs[::-1], NOW, sizes=sizes)]


def test_without_a_limit_all_runs_are_kept() -> None:
    assert expired(Keep(), ended(1, days=10_000), ended(2)) == []


def test_a_project_without_runs_has_none_that_expired() -> None:
    assert expired(Keep(1, 1, 1)) == []


def test_the_newest_runs_are_kept_and_the_others_expire_oldest_first() -> None:
    assert expired(Keep(runs=2), *map(ended, range(1, 6))) == [1, 2, 3]


@pytest.mark.parametrize(("days", "expected"), [(7.0, []), (7.001, [1])])
def test_a_run_expires_when_it_is_older_than_the_age(days: float, expected: list[int]) -> None:
    assert expired(Keep(age_seconds=7 * DAY), ended(1, days=days), ended(2)) == expected


def test_even_the_newest_run_expires_by_its_age() -> None:
    assert expired(Keep(age_seconds=DAY), ended(1, days=3), ended(2, days=2)) == [1, 2]


def test_the_oldest_runs_expire_until_the_others_fit_into_the_size() -> None:
    sizes = {1: 10, 2: 50, 3: 40, 4: 30}

    assert expired(Keep(size_bytes=120), *map(ended, range(1, 5)), sizes=sizes) == [1]
    assert expired(Keep(size_bytes=119), *map(ended, range(1, 5)), sizes=sizes) == [1, 2]


def test_the_newest_run_is_kept_however_large_it_is() -> None:
    assert expired(Keep(size_bytes=5), ended(1), ended(2), sizes={1: 1, 2: 100}) == [1]


def test_pinned_runs_and_the_last_completed_one_are_kept_but_count() -> None:
    runs = [
        ended(1, days=9, completed=True),
        ended(2, days=9, pinned=True),
        ended(3, days=9, completed=True),
        ended(4, days=9),
        ended(5, days=9),
    ]

    assert expired(Keep(runs=1), *runs) == [1, 4]
    assert expired(Keep(age_seconds=DAY), *runs) == [1, 4, 5]
    assert expired(Keep(size_bytes=25), *runs, sizes=dict.fromkeys(range(1, 6), 10)) == [1, 4]


def test_a_run_that_exceeds_one_of_several_limits_expires() -> None:
    runs = [ended(1, days=1), ended(2, days=9), ended(3)]

    assert expired(Keep(runs=2, age_seconds=5 * DAY), *runs) == [1, 2]


RUNS = st.lists(st.tuples(st.floats(0, 20), st.booleans(), st.booleans(), st.integers(0, 9)), max_size=12)
KEEPS = st.builds(
    Keep,
    st.none() | st.integers(1, 9),
    st.none() | st.floats(0, 20 * DAY),
    st.none() | st.integers(0, 60),
)


@given(keep=KEEPS, drawn=RUNS)
def test_what_is_left_is_within_the_limits_and_what_went_had_to_go(
    keep: Keep, drawn: list[tuple[float, bool, bool, int]]
) -> None:
    runs = [
        ended(at, days=days, completed=completed, pinned=pinned)
        for at, (days, completed, pinned, _) in enumerate(drawn)
    ]
    sizes = {at: size for at, (*_, size) in enumerate(drawn)}
    last_completed = max((run.id for run in runs if run.is_completed), default=None)

    gone = expired(keep, *runs, sizes=sizes)

    left = [run for run in runs if run.id not in gone]
    free = [run for run in left if not run.must_stay and run.id != last_completed]
    assert not any(run.must_stay or run.id == last_completed for run in runs if run.id in gone)
    assert gone == sorted(gone)
    assert keep.runs is None or all(run.id >= len(runs) - keep.runs for run in free)
    assert keep.age_seconds is None or all(run.finished_at >= NOW - timedelta(seconds=keep.age_seconds) for run in free)
    size_bytes = sum(sizes[run.id] for run in left)
    assert keep.size_bytes is None or size_bytes <= keep.size_bytes or [run.id for run in free] in ([], [len(runs) - 1])
    assert expired(keep, *left, sizes={run.id: sizes[run.id] for run in left}) == []


@given(keep=KEEPS, drawn=RUNS, page=st.integers(1, 5))
def test_pages_of_the_runs_give_the_same_as_all_of_them(
    keep: Keep, drawn: list[tuple[float, bool, bool, int]], page: int
) -> None:
    keep = Keep(keep.runs, keep.age_seconds)
    runs = [ended(at, days=days, completed=one, pinned=two) for at, (days, one, two, _) in enumerate(drawn)][::-1]

    found = [
        find_expired(
            keep,
            runs[at : at + page],
            NOW,
            newer=at,
            has_newer_completed=any(run.is_completed for run in runs[:at]),
        )
        for at in range(0, len(runs), page)
    ]

    assert [run for part in reversed(found) for run in part] == find_expired(keep, runs, NOW)
