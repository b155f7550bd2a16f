"""The part of the store's contract that is about the processes which execute runs."""

from typing import Protocol

from solorun.lease import Lease, RunNotice
from solorun.worker import Worker, WorkerStatus


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
        """Ask a worker to begin no more runs. False if there is none with this id. Safe to call twice."""
