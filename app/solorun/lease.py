"""The contract of a lease: other services leave the runs of its owner alone until it expires."""

from collections.abc import Mapping
from typing import Protocol

from solorun.run import Cancel


class Lease(Protocol):
    """How long an owner may call its active runs its own. For a thread: the calls block.

    Another owner ends the runs of an owner without a lease.
    """

    @property
    def seconds(self) -> float:
        """How long the lease lasts after it was renewed, by the database's clock."""

    def renew(self) -> Mapping[int, Cancel | None]:
        """Renew the lease. Returns the ids of the owner's active runs, each with the cancellation requested of it.

        Raises StoreUnavailable.
        """

    def wait(self, seconds: float) -> bool:
        """Wait until another service has requested a cancellation of one of the runs: True, or False if none has.

        Also True if that cannot be known any more, which the next renewal reports.
        """

    def end(self) -> None:
        """End the lease, and close the connection. Raises nothing."""
