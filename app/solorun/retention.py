"""Retention: which ended runs a project no longer keeps, and how a store deletes them without blocking its writer."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from solorun.project import Keep
from solorun.run import Run


@dataclass(frozen=True, slots=True)
class EndedRun:
    """What decides whether an ended run is kept."""

    id: int
    finished_at: datetime
    is_completed: bool
    must_stay: bool
    """Whether it is pinned, decides whether a schedule is late, or is the last one of its project that was not
    cancelled: if it has failed, the next completed one is its recovery.
    """


@dataclass(frozen=True, slots=True)
class DeletedRun:
    """A run that was deleted. In the order of deletion."""

    deleted_at: datetime
    id: int


@dataclass(frozen=True, slots=True)
class Deletion:
    """The runs that a call deleted completely, and whether others have expired."""

    run_ids: tuple[int, ...]
    more: bool


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


class RetentionStore(Protocol):
    """Pins and deletes ended runs.

    An expired run is gone for every reader: `get_run` raises RunNotFound, and no list has it. What it occupies is then
    deleted bit by bit, after a crash too: `delete_expired` continues where another call or service stopped.
    """

    async def set_pinned(self, run_id: int, pinned: bool) -> Run:
        """Pin or unpin a run of any status. Raises RunNotFound."""

    async def list_ended_runs(self, project: str, *, before_id: int | None = None, limit: int) -> list[EndedRun]:
        """The ended runs of a project with smaller ids than `before_id`, newest first."""

    async def measure_logs(self, run_ids: Collection[int]) -> dict[int, int]:
        """How many bytes the stored log of each run takes."""

    async def expire_runs(self, run_ids: Collection[int], *, at: datetime) -> list[int]:
        """Let runs expire, except those that have not ended, are pinned or have expired. Returns their ids."""

    async def delete_expired(self, *, at: datetime) -> Deletion:
        """Delete a part of what expired runs occupy, in one bounded transaction, the oldest run first.

        A run is recorded as deleted in the transaction that deletes the last part of it.
        """

    async def list_deleted_runs(self, *, after: DeletedRun | None = None, limit: int) -> list[DeletedRun]:
        """The runs that were deleted after `after`, in the order of deletion."""

    async def forget_deleted_runs(self, *, before: datetime) -> None:
        """Forget which runs were deleted before a time."""

    async def reclaim_space(self) -> bool:
        """Give a bounded part of the unused space back to the file system. True if there is more to give back."""
