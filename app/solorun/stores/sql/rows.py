"""Converts between rows and values. Times are stored as microseconds since 1970, UTC."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Final, TypeVar, get_args

import msgspec
from msgspec.structs import asdict, fields, replace

from solorun.parameter import ParamValue
from solorun.run import MAX_RUN_ID, Cancel, LevelCounts, Run, RunStep, end_last_attempt

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

T = TypeVar("T", bound=msgspec.Struct)

_encode = msgspec.json.Encoder(order="sorted").encode
decode_params = msgspec.json.Decoder(dict[str, ParamValue]).decode
decode_resources = msgspec.json.Decoder(dict[str, int]).decode


def row_reader(struct: type[T], *given: str) -> Callable[[Iterable[Any]], T]:
    """Makes a struct of a row with its fields, in their order. NULL stands for the default; `given` are values already.

    Times, and what is not a number or a text, are decoded by the type of their field.
    """
    decoders = [
        (index, decode, None if field.default is msgspec.NODEFAULT else field.default)
        for index, field in enumerate(fields(struct))
        if field.name not in given and (decode := _find_decoder(field.type)) is not None
    ]

    def read(row: Iterable[Any]) -> T:
        values = list(row)
        for index, decode, default in decoders:
            values[index] = default if (value := values[index]) is None else decode(value)
        return struct(*values)

    return read


def _find_decoder(kind: Any) -> Callable[[Any], Any] | None:
    """None for what a column has as it is."""
    kind, *_ = [each for each in get_args(kind) if each is not NoneType] if isinstance(kind, UnionType) else [kind]
    if kind in (int, float, str):
        return None
    if kind is datetime:
        return decode_time
    return kind if isinstance(kind, type) and issubclass(kind, bool | Enum) else msgspec.json.Decoder(kind).decode


def decode_time(microseconds: int) -> datetime:
    return EPOCH + timedelta(microseconds=microseconds)


_read_run: Final = row_reader(
    Run, "cancel", "level_counts", "steps", "queue_position", "waits_for", "estimated_start_at"
)
_read_step: Final = row_reader(RunStep)
read_cancel: Final = row_reader(Cancel)


def run_from_row(row: tuple[Any, ...], steps: Iterable[tuple[Any, ...]]) -> Run:
    """A run from a row with the `run_columns`, and the rows of its steps in order."""
    cancel = None if row[10] is None else read_cancel(row[10:18])
    counts, read_steps = LevelCounts(*row[24:28]), tuple(map(_step_from_row, steps))
    queued = None, (), None  # Their places are in memory.
    return _read_run((*row[:13], cancel, *row[18:24], counts, row[28], read_steps, *row[29:33], *queued, *row[33:]))


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
    return None if microseconds is None else decode_time(microseconds)


def _step_from_row(row: tuple[Any, ...]) -> RunStep:
    step = _read_step(row)
    if step.finished_at is None or not step.attempts:
        return step
    # A service that was killed has recorded the end of the step, but not that of the attempt.
    end = {name: getattr(step, name) for name in ("status", "finished_at", "exit_code", "error_message", "last_seq")}
    return replace(step, attempts=end_last_attempt(step.attempts, **end))
