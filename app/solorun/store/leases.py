"""The part of the store's contract that is about leases and workers: until a lease ends, its owner keeps its runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Protocol

from solorun.run import Cancel
from solorun.worker import Worker, WorkerStatus


class Notice(Enum):
    """What another process has let the owner of a lease know."""

    OWN = "something changed for the owner or its runs, which the next renewal returns"
    WORK = "a run waits for a process that executes it"


class Subject(StrEnum):
    """What a notice says about runs: they are followed through another process, or have changed."""

    FOLLOWED = "followed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class RunNotice:
    """What a process has let all others know about runs."""

    subject: Subject
    run_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Renewal:
    """The owner as the database has it: its active runs, each with the cancellation requested of it."""

    runs: Mapping[int, Cancel | None] = field(default_factory=dict)
    is_draining: bool = False
    """The owner was asked to take no new runs."""


class Lease(Protocol):
    """How long an owner may call its active runs its own. For a thread: the calls block.

    Another owner ends the runs of an owner without a lease.
    """

    seconds: float
    """How long the lease lasts after it was renewed, by the database's clock."""

    def renew(self) -> Renewal:
        """Renew the lease. Raises StoreUnavailable."""

    def wait(self, seconds: float) -> list[Notice | RunNotice]:
        """Wait until notices have come, and return all of them; [] if none has.

        Also OWN if that cannot be known any more, which the next renewal reports.
        """

    def end(self) -> None:
        """End the lease, and close the connection. Raises nothing."""


class WorkerStore(Protocol):
    """The processes that use a database which several of them share. A database for one service knows none."""

    def open_lease(self, worker: Worker) -> Lease | None:
        """The lease of this process. None if it lasts as long as the process, without renewal."""

    async def notify(self, notice: RunNotice) -> None:
        """Let the other processes know, unless it is lost."""

    async def list_runs_of_predecessors(self, worker: Worker) -> list[int]:
        """The ids of the active runs of earlier processes with the data directory of this one, which has locked it."""

    async def end_leases_of_predecessors(self, worker: Worker) -> None:
        """End the leases of these processes, which are dead. Then their runs can be ended."""

    async def list_workers(self) -> list[WorkerStatus]:
        """The processes that execute runs, by id, and those that were lost less than a day ago."""

    async def request_drain(self, worker_id: str) -> bool:
        """Ask a worker to take no new runs. False if there is none with this id. Safe to call twice."""
