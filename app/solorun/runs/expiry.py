"""Which ended runs a project no longer keeps. The pruner deletes them."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from solorun.project import Keep
from solorun.store import EndedRun


def find_expired(
    keep: Keep,
    runs: Sequence[EndedRun],
    now: datetime,
    *,
    sizes: Mapping[int, int] | None = None,
    newer: int = 0,
    has_newer_completed: bool = False,
) -> list[EndedRun]:
    """The runs that the project does not keep, oldest first, of all its ended ones, which are given newest first.

    Runs that must stay and the last completed one are kept, and count like any other. `keep.size_bytes` needs the
    `sizes`, the bytes that each run occupies; the newest run never exceeds them. Without it, `runs` may be a part of
    all: `newer` runs are not given, and `has_newer_completed` says whether one of those has completed.
    """
    sizes = sizes or {}
    last_completed = None if has_newer_completed else next((run.id for run in runs if run.is_completed), None)
    total_bytes = sum(sizes.values())
    expired: list[EndedRun] = []
    for position in range(len(runs) - 1, -1, -1):
        run = runs[position]
        if run.must_stay or run.id == last_completed:
            continue
        if (
            (keep.runs is not None and newer + position >= keep.runs)
            or (keep.age_seconds is not None and (now - run.finished_at).total_seconds() > keep.age_seconds)
            or (keep.size_bytes is not None and total_bytes > keep.size_bytes and position > 0)
        ):
            expired.append(run)
            total_bytes -= sizes.get(run.id, 0)
    return expired
