"""Writes of runs: functions for a connection's thread, each in one transaction."""

from collections.abc import Callable, Sequence
from typing import Any

from msgspec.structs import asdict

from solorun.errors import StoreFailure
from solorun.outcome import Outcome
from solorun.run import Cancel, LevelCounts, Refusal, Run
from solorun.segment import Segment
from solorun.status import Status, UpdateResult, allowed_predecessors
from solorun.store import Batch, FinalState
from solorun.stores.sql.connection import Connection
from solorun.stores.sql.endings import release_run
from solorun.stores.sql.promotion import promote
from solorun.stores.sql.queries import QUERIES
from solorun.stores.sql.reads import get_run
from solorun.stores.sql.rows import cancel_values, encode_array, level_values, step_values, storable_id, to_microseconds
from solorun.stores.sql.segments import segment_values


def request_cancel(connection: Connection, run_id: int, cancel: Cancel) -> tuple[UpdateResult, Run]:
    values = cancel_values(storable_id(run_id), cancel)
    if connection.execute(QUERIES["cancel_queued_run"], values).rowcount:
        connection.execute(QUERIES["finalize_pending_steps"], values)
        release_run(connection, values["run_id"])
        promote(connection, values["at"])
        return UpdateResult.UPDATED, get_run(connection, run_id)
    connection.execute(QUERIES["request_cancel"], values)
    run = get_run(connection, run_id)
    return (UpdateResult.NOT_IN_EXPECTED_STATUS if run.has_ended else UpdateResult.UPDATED), run


def return_run(
    connection: Connection,
    run_id: int,
    owner: str,
    refusals: Sequence[Refusal],
    closing: Segment | None,
    *,
    is_cancelled: bool,
) -> bool:
    """Return the run if a cancel of it was requested, or only if none was. A cancelled one ends, which takes a turn."""
    values = {
        "run_id": run_id,
        "owner": owner,
        "is_cancelled": is_cancelled,
        "refusals": encode_array(refusals) if refusals else None,
        "previous_seq": closing.first_seq - 1 if closing else None,
        "record_count": closing.record_count if closing else 0,
        "warning_count": closing.level_counts.warning if closing else 0,
    }
    if not connection.execute(QUERIES["return_run"], values).rowcount:
        return False
    if closing is not None:
        connection.execute(QUERIES["insert_segment"], segment_values(closing))
    if is_cancelled and (cancel := get_run(connection, run_id).cancel) is not None:
        request_cancel(connection, run_id, cancel)
    return True


def prepare_commit(batches: Sequence[Batch], owner: str) -> Callable[[Connection], list[UpdateResult]]:
    """The function that writes the batches. Compresses their segments, so call it before the transaction begins."""
    writes = [_prepare_batch(batch, owner) for batch in batches]
    ends = [batch.ending.finished_at for batch in batches if batch.ending is not None]

    def write_all(connection: Connection) -> list[UpdateResult]:
        results = [write(connection) for write in writes]
        if ends:
            promote(connection, to_microseconds(max(ends)))
        return results

    return write_all


def finalize_run(
    connection: Connection,
    run_id: int,
    *,
    owner: str | None,
    ending: FinalState,
    closing: Segment | None = None,
) -> UpdateResult:
    values = {
        "run_id": storable_id(run_id),
        "owner": owner,
        "previous_seq": closing.first_seq - 1 if closing else None,
        "record_count": closing.record_count if closing else 0,
        **level_values(closing.level_counts if closing else LevelCounts()),
        **_ending_values(ending),
    }
    if connection.execute(QUERIES["finalize_run"], values).rowcount:
        if closing is not None:
            connection.execute(QUERIES["insert_segment"], segment_values(closing))
        connection.execute(QUERIES["finalize_started_steps"], values)
        connection.execute(QUERIES["finalize_pending_steps"], values)
        release_run(connection, values["run_id"])
        promote(connection, values["finished_at"])
        return UpdateResult.UPDATED
    found = _state(connection, run_id) is not None
    return UpdateResult.NOT_IN_EXPECTED_STATUS if found else UpdateResult.NOT_FOUND


def give_up_start(connection: Connection, run_id: int, *, owner: str, ending: FinalState, cancel: Cancel) -> bool:
    values = {"run_id": run_id, "owner": owner}
    if connection.execute(QUERIES["select_acknowledged_key"], values).fetchone() is not None:
        return False
    run = get_run(connection, run_id)
    if not run.has_ended:
        connection.execute(QUERIES["delete_keys_of_run"], values)
        connection.execute(QUERIES["delete_firing_of_run"], values)
    if run.status is Status.QUEUED:
        request_cancel(connection, run_id, cancel)
    else:
        outcome = ending.outcome if run.cancel is None else Outcome(Status.CANCELLED)
        ending = FinalState(outcome, ending.finished_at)
        finalize_run(connection, run_id, owner=owner, ending=ending)
    return True


def _prepare_batch(batch: Batch, owner: str) -> Callable[[Connection], UpdateResult]:
    """Compress the batch's segment. Returns the function that writes the batch in a transaction."""
    run, ending = batch.run, batch.ending
    segment = segment_values(batch.segment) if batch.segment else None
    steps = [step_values(run.id, step) for step in batch.steps]
    active_status = (Status.RUNNING if run.status is Status.RUNNING else Status.PENDING).value
    values = asdict(run) | {
        "run_id": storable_id(run.id),
        "owner": owner,
        "active_status": active_status,
        "from_pending": Status.PENDING.value,
        "from_running": active_status,
        "started_at": to_microseconds(run.started_at),
        "previous_seq": batch.segment.first_seq - 1 if batch.segment else run.last_seq,
        **level_values(run.level_counts),
    }
    if ending is not None:
        values |= _ending_values(ending)
    update_run = QUERIES["advance_run" if ending is None else "end_run"]
    cancel = values | cancel_values(values["run_id"], run.cancel) if run.cancel else None

    def write(connection: Connection) -> UpdateResult:
        if cancel is not None:
            connection.execute(QUERIES["record_cancel"], cancel)  # first, because an ended run does not change
        if not connection.execute(update_run, values).rowcount:
            return _explain_refusal(connection, batch, owner, values)
        if segment is not None:
            connection.execute(QUERIES["insert_segment"], segment)
        connection.executemany(QUERIES["update_step"], steps)
        if ending is not None:
            release_run(connection, run.id, ending.traceparent)
        return UpdateResult.UPDATED

    return write


def _explain_refusal(connection: Connection, batch: Batch, owner: str, values: dict[str, Any]) -> UpdateResult:
    state = _state(connection, batch.run.id)
    if state is None:
        return UpdateResult.NOT_FOUND
    if state["owner"] != owner:
        return UpdateResult.NOT_IN_EXPECTED_STATUS
    if batch.ending is not None and all(
        state[name] == values[name] for name in ("status", "finished_at", "error_message", "last_seq")
    ):
        return UpdateResult.UPDATED
    if not Status(state["status"]).holds_project:
        return UpdateResult.NOT_IN_EXPECTED_STATUS
    if batch.ending is None and state["last_seq"] > batch.run.last_seq:
        return UpdateResult.UPDATED  # written before, like others after it
    if state["last_seq"] in (values["previous_seq"], values["last_seq"]):
        return UpdateResult.NOT_IN_EXPECTED_STATUS  # active, but this is no transition from its status
    raise StoreFailure(_format_break(batch.segment, batch.run, state["last_seq"]))


def _format_break(segment: Segment | None, run: Run, last_seq: int) -> str:
    records = f"records {segment.first_seq}-{segment.last_seq}" if segment else f"a batch up to {run.last_seq}"
    return f"The log of run {run.id} ends at {last_seq}: {records} would leave a gap or overlap it."


def _ending_values(ending: FinalState) -> dict[str, Any]:
    status = ending.outcome.status
    before = allowed_predecessors(status)
    return {
        "status": status.value,
        "finished_at": to_microseconds(ending.finished_at),
        "error_message": ending.outcome.error_message,
        "from_pending": Status.PENDING.value if Status.PENDING in before else None,
        "from_running": Status.RUNNING.value if Status.RUNNING in before else None,
    }


def _state(connection: Connection, run_id: int) -> dict[str, Any] | None:
    row = connection.execute(QUERIES["select_run_state"], {"run_id": storable_id(run_id)}).fetchone()
    names = ("owner", "status", "finished_at", "error_message", "last_seq")
    return dict(zip(names, row, strict=True)) if row else None
