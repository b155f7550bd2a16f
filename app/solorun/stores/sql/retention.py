"""Pins and deletes runs: functions for a connection's thread, each in one bounded transaction."""

from collections.abc import Collection
from datetime import datetime
from itertools import accumulate
from typing import Final

from solorun.run import MAX_RUN_ID, Run
from solorun.status import Status
from solorun.store import DeletedRun, Deletion, EndedRun
from solorun.stores.sql.connection import Connection
from solorun.stores.sql.queries import QUERIES
from solorun.stores.sql.reads import get_run
from solorun.stores.sql.rows import decode_time, storable_id, to_microseconds

MAX_SEGMENTS: Final = 100
MAX_BYTES: Final = 512 * 1024
MAX_RUNS: Final = 50
"""What one transaction deletes at most, but at least one segment."""


def set_pinned(connection: Connection, run_id: int, pinned: bool) -> Run:
    connection.execute(QUERIES["set_pinned"], {"run_id": storable_id(run_id), "pinned": int(pinned)})
    return get_run(connection, run_id)


def list_ended_runs(
    connection: Connection, project: str, *, before_id: int | None = None, limit: int
) -> list[EndedRun]:
    values = {"project": project, "before_id": MAX_RUN_ID if before_id is None else before_id, "limit": limit}
    return [
        EndedRun(run_id, decode_time(finished_at), status == Status.COMPLETED.value, bool(must_stay))
        for run_id, finished_at, status, must_stay in connection.execute(QUERIES["list_ended_runs"], values)
    ]


def measure_logs(connection: Connection, run_ids: Collection[int]) -> dict[int, int]:
    return {
        run_id: int(connection.execute(QUERIES["measure_log"], {"run_id": run_id}).fetchone()[0]) for run_id in run_ids
    }


def expire_runs(connection: Connection, run_ids: Collection[int], *, at: datetime) -> list[int]:
    values = {"at": to_microseconds(at)}
    return [
        run_id
        for run_id in run_ids
        if connection.execute(QUERIES["expire_run"], values | {"run_id": storable_id(run_id)}).rowcount
    ]


def delete_expired(connection: Connection, *, at: datetime) -> Deletion:
    deleted: list[int] = []
    segments_left, bytes_left = MAX_SEGMENTS, MAX_BYTES
    expired = connection.execute(QUERIES["list_expired_runs"], {"limit": MAX_RUNS + 1}).fetchall()
    for (run_id,) in expired[:MAX_RUNS]:
        values = {"run_id": run_id, "at": to_microseconds(at), "limit": segments_left + 1}
        segments = connection.execute(QUERIES["list_segment_sizes"], values).fetchall()
        totals = accumulate(size for _, size in segments)
        fitting = [last_seq for (last_seq, _), total in zip(segments, totals, strict=True) if total <= bytes_left]
        if len(segments) > min(len(fitting), segments_left):
            if not deleted:  # the first segment alone may exceed the limit
                last_seq = (fitting or [segments[0][0]])[:segments_left][-1]
                connection.execute(QUERIES["delete_first_segments"], {"run_id": run_id, "last_seq": last_seq})
            return Deletion(tuple(deleted), more=True)
        if connection.execute(QUERIES["delete_expired_run"], values).rowcount:
            connection.execute(QUERIES["insert_deleted_run"], values)
            deleted.append(run_id)
        segments_left -= len(segments)
        bytes_left -= sum(size for _, size in segments)
    return Deletion(tuple(deleted), more=len(expired) > MAX_RUNS)


def list_deleted_runs(connection: Connection, *, after: DeletedRun | None = None, limit: int) -> list[DeletedRun]:
    values = {"deleted_at": -1, "run_id": 0, "limit": limit}
    if after is not None:
        values |= {"deleted_at": to_microseconds(after.deleted_at) or 0, "run_id": after.id}
    rows = connection.execute(QUERIES["list_deleted_runs"], values)
    return [DeletedRun(decode_time(deleted_at), run_id) for deleted_at, run_id in rows]


def forget_deleted_runs(connection: Connection, *, before: datetime) -> None:
    connection.execute(QUERIES["forget_deleted_runs"], {"before": to_microseconds(before)})
