"""Converts between rows and values. Times are stored as microseconds since 1970, UTC."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
from msgspec.structs import asdict

from solorun.outcome import StopEffect
from solorun.parameter import ParamValue
from solorun.run import MAX_RUN_ID, Attempt, Cancel, LevelCounts, Refusal, Run, RunStep, cancel_fields, end_last_attempt
from solorun.status import Status, StepStatus

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

_encode = msgspec.json.Encoder(order="sorted").encode
decode_params = msgspec.json.Decoder(dict[str, ParamValue]).decode
_decode_texts = msgspec.json.Decoder(tuple[str, ...]).decode
_decode_refusals = msgspec.json.Decoder(tuple[Refusal, ...]).decode
decode_resources = msgspec.json.Decoder(dict[str, int]).decode
decode_attempts = msgspec.json.Decoder(tuple[Attempt, ...]).decode
decode_slots = msgspec.json.Decoder(dict[str, list[int]]).decode


def run_from_row(row: tuple[Any, ...], steps: Iterable[tuple[Any, ...]]) -> Run:
    """A run from a row with the `run_columns`, and the rows of its steps in order."""
    (
        run_id, project, scope, status, triggered_by, params, created_at, rerun_of, started_at, finished_at,
        cancel_requested_at, cancel_requested_by, cancel_reason, cancel_grace_seconds, cancel_signalled_at,
        cancel_position, cancel_effect, cancel_settled_at, error_message, current_step, progress_current,
        progress_total, progress_item, last_seq, debug, info, warning, error, first_error_seq, resources, slots,
        replaces, queue_deadline, pinned, owner, labels, refusals,
        pipeline, traceparent,
    ) = row  # fmt: skip
    cancel = None
    if (requested_at := from_microseconds(cancel_requested_at)) is not None:
        cancel = Cancel(
            requested_at=requested_at,
            requested_by=cancel_requested_by,
            reason=cancel_reason,
            grace_seconds=cancel_grace_seconds,
            signalled_at=from_microseconds(cancel_signalled_at),
            position=_decode_texts(cancel_position) if cancel_position else (),
            effect=StopEffect(cancel_effect) if cancel_effect else None,
            settled_at=from_microseconds(cancel_settled_at),
        )
    return Run(
        id=run_id,
        project=project,
        scope=scope,
        status=Status(status),
        triggered_by=triggered_by,
        params=decode_params(params),
        created_at=EPOCH + timedelta(microseconds=created_at),
        rerun_of=rerun_of,
        started_at=from_microseconds(started_at),
        finished_at=from_microseconds(finished_at),
        **cancel_fields(cancel),
        error_message=error_message,
        current_step=current_step,
        progress_current=progress_current,
        progress_total=progress_total,
        progress_item=progress_item,
        last_seq=last_seq,
        level_counts=LevelCounts(debug, info, warning, error),
        first_error_seq=first_error_seq,
        steps=tuple(map(_step_from_row, steps)),
        resources=decode_resources(resources),
        slots=decode_slots(slots),
        replaces=replaces,
        queue_deadline=from_microseconds(queue_deadline),
        pinned=bool(pinned),
        worker=owner,
        labels=_decode_texts(labels),
        refusals=_decode_refusals(refusals) if refusals else (),
        pipeline=pipeline,
        traceparent=traceparent,
    )


def cancel_values(run_id: int, cancel: Cancel) -> dict[str, Any]:
    """The parameters of `record_cancel`."""
    return {
        "run_id": run_id,
        "at": to_microseconds(cancel.requested_at),
        "requested_by": cancel.requested_by,
        "reason": cancel.reason,
        "grace_seconds": cancel.grace_seconds,
        "signalled_at": to_microseconds(cancel.signalled_at),
        "position": encode_array(cancel.position) if cancel.position else None,
        "effect": cancel.effect and cancel.effect.value,
        "settled_at": to_microseconds(cancel.settled_at),
    }


def step_values(run_id: int, step: RunStep) -> dict[str, Any]:
    """The parameters of `update_step`."""
    return asdict(step) | {
        "run_id": run_id,
        "status": step.status.value,
        "started_at": to_microseconds(step.started_at),
        "finished_at": to_microseconds(step.finished_at),
        "attempts": encode_array(step.attempts),
        "next_attempt_at": to_microseconds(step.next_attempt_at),
    }


def encode_array(items: Sequence[Any]) -> str:
    return _encode(items).decode()


def level_values(counts: LevelCounts) -> dict[str, int]:
    return {f"{level}_count": count for level, count in asdict(counts).items()}


def storable_id(run_id: int) -> int:
    """The id, or -1, which no run has, if a column cannot hold it."""
    return run_id if 0 <= run_id <= MAX_RUN_ID else -1


def encode_object(members: Mapping[str, Any]) -> str:
    return _encode(dict(members)).decode()


def to_microseconds(time: datetime | None) -> int | None:
    """Raises ValueError for a time without a time zone, which would be ambiguous."""
    if time is None:
        return None
    if time.tzinfo is None:
        raise ValueError(f"{time.isoformat()} has no time zone; times must be aware, in UTC")
    return (time - EPOCH) // _MICROSECOND


def from_microseconds(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else EPOCH + timedelta(microseconds=microseconds)


def _step_from_row(row: tuple[Any, ...]) -> RunStep:
    (
        name, status, started_at, finished_at, exit_code, error_message, first_seq, last_seq, resources, slots,
        max_attempts, attempts, next_attempt_at,
    ) = row  # fmt: skip
    end = {
        "status": StepStatus(status),
        "finished_at": from_microseconds(finished_at),
        "exit_code": exit_code,
        "error_message": error_message,
        "last_seq": last_seq,
    }
    tried = decode_attempts(attempts)
    if end["finished_at"] is not None:
        # A service that was killed has recorded the end of the step, but not that of the attempt.
        tried = end_last_attempt(tried, **end)
    return RunStep(
        name=name,
        started_at=from_microseconds(started_at),
        first_seq=first_seq,
        resources=decode_resources(resources),
        slots=decode_slots(slots),
        max_attempts=max_attempts,
        attempts=tried,
        next_attempt_at=from_microseconds(next_attempt_at),
        **end,
    )
