"""The processes that use the database: functions for a connection's thread."""

from typing import Any, Final

import msgspec

from solorun.store import RunNotice
from solorun.stores.postgres.statements import OWN
from solorun.stores.sql.connection import Connection
from solorun.worker import Worker, WorkerState, WorkerStatus

_RUNS_PER_NOTICE: Final = 350
"""PostgreSQL limits it to 8,000 bytes."""


def owner_values(worker: Worker) -> dict[str, Any]:
    """The parameters of `renew_lease`. A process that executes nothing has no labels."""
    labels = () if worker.labels is None else worker.labels
    return {
        "owner": worker.id,
        "host": worker.host,
        "labels": None if worker.capacity == 0 else msgspec.json.encode(labels).decode(),
        "capacity": worker.capacity,
        "directory": worker.directory,
    }


def list_runs_of_predecessors(connection: Connection, worker: Worker) -> list[int]:
    return [run_id for (run_id,) in connection.execute(OWN["list_runs_of_predecessors"], owner_values(worker))]


def end_leases_of_predecessors(connection: Connection, worker: Worker) -> None:
    connection.execute(OWN["end_leases_of_predecessors"], owner_values(worker))


def list_workers(connection: Connection) -> list[WorkerStatus]:
    rows = connection.execute(OWN["list_workers"]).fetchall()
    return [
        WorkerStatus(
            id=owner,
            host=host,
            labels=msgspec.json.decode(labels, type=tuple[str, ...]),
            capacity=capacity,
            state=WorkerState(state),
            runs=tuple(runs),
            started_at=started_at,
            last_seen=seen_at,
        )
        for owner, host, labels, capacity, state, runs, started_at, seen_at in rows
    ]


def request_drain(connection: Connection, worker_id: str) -> bool:
    return connection.execute(OWN["request_drain"], {"owner": worker_id}).rowcount > 0


def notify(connection: Connection, notice: RunNotice) -> None:
    # Transactions that notify wait for each other's commit. This one may be lost.
    connection.execute("SET LOCAL synchronous_commit = off")
    for first in range(0, len(notice.run_ids), _RUNS_PER_NOTICE):
        run_ids = notice.run_ids[first : first + _RUNS_PER_NOTICE]
        connection.execute(OWN["notify"], {"payload": " ".join(map(str, (notice.subject, *run_ids)))})
