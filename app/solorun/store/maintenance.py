"""The part of the store's contract that is about its database: its health, its upkeep and its checks."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Finding:
    """A violated invariant of the database. `repair` says what a repair does; None if it cannot be repaired."""

    run_id: int | None
    message: str
    repair: str | None


class StoreMaintenance(Protocol):
    """The health and the upkeep of a store's database."""

    @property
    def write_error(self) -> str | None:
        """Why the last write failed, or that the current one does not finish; None if neither is true.

        Known without a query. After a failure the store checks by itself when it can write again.
        """

    async def compact_segments(self, run_id: int) -> bool:
        """Merge some of an ended run's small segments in one bounded transaction. True while more can be merged."""

    async def open_backup(self) -> int:
        """The descriptor of a file that contains every transaction committed so far. The caller closes it.

        It has no `unmasked_params`: runs that have some and have not begun are cancelled in it.
        Raises BackupUnavailable.
        """

    async def check(self, *, repair: bool = False) -> list[Finding]:
        """Check the database's invariants, and repair what can be repaired. Only while no service is running."""
