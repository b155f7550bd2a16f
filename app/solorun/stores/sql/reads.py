"""Reads of runs: functions for a reader's thread, each in one transaction, so that it sees one snapshot."""

import heapq
from collections import defaultdict
from collections.abc import Collection, Mapping
from itertools import islice
from statistics import median
from typing import Any, Final

from solorun.errors import RunNotFound
from solorun.queueing import Hold
from solorun.run import MAX_RUN_ID, Run
from solorun.status import Status
from solorun.stores.sql.connection import Connection
from solorun.stores.sql.queries import QUERIES
from solorun.stores.sql.rows import encode_array, row_reader, run_from_row, storable_id

_read_hold: Final = row_reader(Hold)


def get_run(connection: Connection, run_id: int) -> Run:
    """Raises RunNotFound."""
    run = find_run(connection, "select_run", {"run_id": storable_id(run_id)})
    if run is None:
        raise _not_found(run_id)
    return run


def check_existence(connection: Connection, run_id: int) -> None:
    """Raises RunNotFound."""
    (exists,) = connection.execute(QUERIES["select_existence"], {"run_id": run_id}).fetchone()
    if not exists:
        raise _not_found(run_id)


def find_run(connection: Connection, query: str, parameters: Mapping[str, Any]) -> Run | None:
    """The run that a query finds, with its steps; None if it finds none."""
    runs = load_runs(connection, query, parameters)
    return runs[0] if runs else None


def load_runs(connection: Connection, query: str, parameters: Mapping[str, Any]) -> list[Run]:
    """The runs that a query finds, in its order, with their steps."""
    rows = connection.execute(QUERIES[query], parameters).fetchall()
    if len(rows) <= 1:
        return [run_from_row(row, connection.execute(QUERIES["select_steps"], {"run_id": row[0]})) for row in rows]
    steps = defaultdict(list)
    for run_id, *step in connection.execute(QUERIES["list_steps"], {"run_ids": encode_array([row[0] for row in rows])}):
        steps[run_id].append(tuple(step))
    return [run_from_row(row, steps[row[0]]) for row in rows]


def find_active_run(connection: Connection, project: str) -> Run | None:
    return find_run(connection, "select_active_run", {"project": project})


def list_runs(
    connection: Connection,
    *,
    project: str | None = None,
    statuses: Collection[Status] = (),
    rerun_of: int | None = None,
    before_id: int | None = None,
    limit: int = 50,
) -> list[Run]:
    parameters: dict[str, Any] = {
        "project": project,
        "rerun_of": None if rerun_of is None else storable_id(rerun_of),
        "before_id": MAX_RUN_ID if before_id is None else max(0, min(before_id, MAX_RUN_ID)),
        "limit": limit,
    }
    query = "list_runs" if project is None else "list_runs_of_project"
    if rerun_of is not None:
        query = "list_reruns"
    if not statuses:
        return load_runs(connection, query, parameters)
    by_status = (
        load_runs(connection, f"{query}_with_status", {**parameters, "status": status.value})
        for status in frozenset(statuses)
    )
    return list(islice(heapq.merge(*by_status, key=lambda run: -run.id), limit))


def find_runs(connection: Connection, run_ids: Collection[int]) -> dict[int, Run]:
    runs = load_runs(connection, "list_given_runs", {"run_ids": encode_array(list(run_ids))})
    return {run.id: run for run in runs}


def list_project_names(connection: Connection) -> list[str]:
    return [name for (name,) in connection.execute(QUERIES["list_project_names"]).fetchall()]


def list_resources(connection: Connection) -> dict[str, int]:
    return dict(connection.execute(QUERIES["list_resources"]).fetchall())


def list_holds(connection: Connection) -> list[Hold]:
    return list(map(_read_hold, connection.execute(QUERIES["list_holds"]).fetchall()))


def median_duration_seconds(connection: Connection, project: str, scope: str) -> float | None:
    rows = connection.execute(QUERIES["list_durations"], {"project": project, "scope": scope}).fetchall()
    return median(microseconds for (microseconds,) in rows) / 1_000_000 if rows else None


def _not_found(run_id: int) -> RunNotFound:
    return RunNotFound(f"There is no run {run_id}: it was deleted, or the id was never used.")
