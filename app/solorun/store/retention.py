"""The part of the store's contract that is about old runs: how they are deleted without blocking the writer."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

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
