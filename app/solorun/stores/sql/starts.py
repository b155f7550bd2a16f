"""Inserts runs, pending or queued: functions for a connection's thread, in the transaction of their caller."""

from typing import Any

from msgspec.structs import replace

from solorun.errors import QueueFull, ResourceBusy, RunActive, StartRepeated
from solorun.queueing import ConflictPolicy, Slots, StartResult, Waiter
from solorun.run import Cancel, Run, RunStep
from solorun.store import NewRun
from solorun.stores.sql import idempotency_keys, schedules
from solorun.stores.sql.connection import Connection
from solorun.stores.sql.endings import release_run
from solorun.stores.sql.promotion import choose_now, insert_holds, read_waiters
from solorun.stores.sql.queries import QUERIES
from solorun.stores.sql.reads import find_active_run, get_run, list_holds
from solorun.stores.sql.rows import cancel_values, encode_array, encode_object, run_from_row, to_microseconds
from solorun.stores.sql.unmasked_params import Encrypt, keep_unmasked
from solorun.stores.sql.writes import request_cancel

_NEW_RUN_ID = 2**63 - 1
"""A run that is being inserted goes after all that wait already."""


def insert_run(connection: Connection, new: NewRun, owner: str, encrypt: Encrypt) -> Run:
    """Raises RunActive, ResourceBusy, QueueFull, StartRepeated. What it reads cannot change before its end.

    Other starts wait for its end, so it executes few statements, and does not read what it has just written.
    """
    values = {
        "project": new.project,
        "scope": new.scope,
        "owner": owner,
        "triggered_by": new.triggered_by,
        "params": encode_object(new.params),
        "created_at": to_microseconds(new.created_at),
        "rerun_of": new.rerun_of,
        "resources": encode_object(new.resources),
        "notify": encode_object(new.notify) if new.notify else None,
        "labels": encode_array(new.labels),
        "pipeline": new.pipeline,
        "traceparent": new.traceparent,
    }
    result = StartResult.STARTED
    run = _insert_pending(connection, new, values)
    is_kept = new.is_for_worker
    if run is None:
        if new.on_conflict is not ConflictPolicy.REPLACE:
            result = StartResult.QUEUED
        run = _insert_waiting(connection, new, values)
        is_kept = True
    if is_kept:
        keep_unmasked(connection, run.id, new.unmasked_params, encrypt)
    steps = tuple(RunStep(name, resources=dict(new.step_resources.get(name, {}))) for name in new.steps)
    connection.executemany(
        QUERIES["insert_step"],
        [
            {"run_id": run.id, "position": position, "name": step.name, "resources": encode_object(step.resources)}
            for position, step in enumerate(steps)
        ],
    )
    if new.key is not None:
        idempotency_keys.record(connection, new.project, new.key, run.id, result, new.created_at)
    if new.firing is not None and not schedules.record_firing(connection, replace(new.firing, run_id=run.id)):
        raise StartRepeated
    return replace(run, steps=steps)


def _insert_pending(connection: Connection, new: NewRun, values: dict[str, Any]) -> Run | None:
    """None if the project or a resource is taken, or if another run was queued for it first."""
    slots: Slots = {}
    if new.resources:
        heads = [*read_waiters(connection), Waiter(_NEW_RUN_ID, new.resources)]
        chosen = {head.run_id: slots for head, slots in choose_now(connection, heads)}
        if _NEW_RUN_ID not in chosen:
            return None
        slots = chosen[_NEW_RUN_ID]
    row = connection.execute(QUERIES["insert_run"], values | {"slots": encode_object(slots)}).fetchone()
    if row is None:
        return None
    run = run_from_row(row, ())
    insert_holds(connection, run.id, slots, values["created_at"])
    return run


def _insert_waiting(connection: Connection, new: NewRun, values: dict[str, Any]) -> Run:
    active = find_active_run(connection, new.project)
    if new.on_conflict not in (ConflictPolicy.QUEUE, ConflictPolicy.REPLACE):
        if active is not None:
            raise RunActive(active)
        raise ResourceBusy([hold for hold in list_holds(connection) if hold.resource in new.resources])
    replaced = None
    if new.on_conflict is ConflictPolicy.REPLACE:
        earlier = _cancel_replacement(connection, new)
        replaced = earlier if active is None else active.id
    row = connection.execute(
        QUERIES["insert_queued_run"],
        values
        | {
            "queue_rank": 1 if replaced is None else 0,
            "queue_deadline": to_microseconds(new.queue_deadline),
            "queue_max": new.queue_max,
            "replaces": replaced,
        },
    ).fetchone()
    if row is None:
        raise QueueFull(f"The queue of {new.project} is full: it may hold {new.queue_max}.")
    run = run_from_row(row, ())
    if active is not None and replaced is not None:
        request_cancel(connection, active.id, Cancel(new.created_at, new.triggered_by, f"replaced by run {run.id}"))
        return get_run(connection, run.id)  # That may have freed the project.
    return run


def _cancel_replacement(connection: Connection, new: NewRun) -> int | None:
    """Only the newest replacement waits: it does what the earlier one was to do. Returns the run that it replaces."""
    row = connection.execute(QUERIES["select_replacement"], {"project": new.project}).fetchone()
    if row is None:
        return None
    run_id, replaced = row
    cancel = cancel_values(run_id, Cancel(new.created_at, new.triggered_by, "replaced by a later run"))
    connection.execute(QUERIES["cancel_queued_run"], cancel)
    connection.execute(QUERIES["finalize_pending_steps"], cancel)
    release_run(connection, run_id)
    return int(replaced)
