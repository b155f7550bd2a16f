"""Schedules and their firings: functions for a connection's thread, in its transaction."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final

from msgspec.structs import asdict, replace

from solorun.errors import ScheduleNotFound
from solorun.notification import NewNotification
from solorun.schedule import Firing, FiringOutcome, FiringTrigger, ScheduleState
from solorun.stores.sql import outbox
from solorun.stores.sql.connection import Connection
from solorun.stores.sql.queries import QUERIES
from solorun.stores.sql.rows import EPOCH, from_microseconds, row_reader, to_microseconds

_read_firing: Final = row_reader(Firing)
MAX_FIRINGS: Final = 2_000
"""How many are kept of each schedule and trigger: more than a day of one that is due every minute."""


def register(connection: Connection, timings: Mapping[str, str], *, at: datetime) -> None:
    known: dict[str, str] = dict(connection.execute(QUERIES["list_timings"]))
    # A schedule that is declared again later begins afresh.
    wanted = {**dict.fromkeys(known, ""), **timings}
    changed = [
        {"schedule": schedule, "timing": timing, "at": to_microseconds(at)}
        for schedule, timing in wanted.items()
        if known.get(schedule) != timing
    ]
    connection.executemany(QUERIES["register_schedule"], changed)
    connection.execute(QUERIES["begin_schedules_now"], {"at": to_microseconds(at)})


def load(connection: Connection, schedule: str, *, at: datetime) -> ScheduleState:
    values = {"schedule": schedule, "at": to_microseconds(at)}
    row = connection.execute(QUERIES["select_schedule"], values).fetchone()
    if row is None:
        raise ScheduleNotFound(f'There is no schedule "{schedule}".')
    return _state_from_row(row)


def list_states(connection: Connection, *, at: datetime) -> dict[str, ScheduleState]:
    rows = connection.execute(QUERIES["list_schedules"], {"at": to_microseconds(at)})
    return {row[0]: _state_from_row(row) for row in rows}


def pause(connection: Connection, schedule: str, *, requested_by: str, reason: str, at: datetime) -> bool:
    load(connection, schedule, at=at)
    values = {"schedule": schedule, "requested_by": requested_by, "reason": reason, "at": to_microseconds(at)}
    return bool(connection.execute(QUERIES["pause_schedule"], values).rowcount)


def resume(connection: Connection, schedule: str, *, at: datetime) -> None:
    load(connection, schedule, at=at)
    connection.execute(QUERIES["resume_schedule"], {"schedule": schedule, "at": to_microseconds(at)})


def end_lateness(connection: Connection, schedule: str) -> None:
    connection.execute(QUERIES["end_lateness"], {"schedule": schedule, "run_id": None})


def record_firing(connection: Connection, firing: Firing) -> bool:
    times = ("due_at", "fired_at", "late_at")
    values = asdict(firing) | {name: to_microseconds(getattr(firing, name)) for name in times}
    values |= {"outcome": firing.outcome.value, "trigger": firing.trigger.value}
    is_manual = firing.trigger is FiringTrigger.MANUAL
    if is_manual and not firing.due_at.microsecond:
        values["due_at"] += 1  # It must not look like a due time, which is a full minute.
    while not connection.execute(QUERIES["insert_firing"], values).rowcount:
        if not is_manual:
            return False
        values["due_at"] += 1  # Another one began in the same microsecond.
    if firing.outcome is FiringOutcome.JOINED:  # the run may have ended since
        record_end(connection, firing.run_id)
    connection.execute(QUERIES["delete_old_firings"], values | {"kept": MAX_FIRINGS})
    return True


def record_end(connection: Connection, run_id: int | None) -> None:
    """Record in the firings of a run how it has ended, if it has."""
    rows = connection.execute(QUERIES["record_end_in_firings"], {"run_id": run_id}).fetchall()
    connection.executemany(QUERIES["end_lateness"], [{"schedule": schedule, "run_id": run_id} for (schedule,) in rows])


def list_unsettled_firings(connection: Connection, *, at: datetime) -> list[Firing]:
    rows = connection.execute(QUERIES["list_unsettled_firings"], {"at": to_microseconds(at)})
    return [replace(_read_firing(row), late=bool(is_late)) for *row, is_late in rows]


def settle_firings(
    connection: Connection,
    firings: Collection[Firing],
    *,
    news: NewNotification | None = None,
    targets: Collection[str] = (),
) -> list[Firing]:
    settled = [firing for firing in firings if _settle(connection, firing)]
    late = min((firing for firing in settled if firing.late), key=lambda firing: firing.due_at, default=None)
    if late is not None and news is not None:
        values = {name: to_microseconds(getattr(late, name)) for name in ("due_at", "late_at")}
        if connection.execute(QUERIES["begin_lateness"], values | {"schedule": late.schedule}).rowcount:
            outbox.add_notification(connection, news, targets)
    return settled


def list_firings(
    connection: Connection, *, schedule: str | None = None, after: datetime | None = None, limit: int
) -> list[Firing]:
    name = "list_firings" if schedule is None else "list_firings_of_schedule"
    values = {"schedule": schedule, "after": to_microseconds(after or EPOCH), "limit": limit}
    return [_read_firing(row) for row in connection.execute(QUERIES[name], values)]


def list_last_firings(connection: Connection) -> dict[str, Firing]:
    return {row[0]: _read_firing(row) for row in connection.execute(QUERIES["list_last_firings"], {})}


def _settle(connection: Connection, firing: Firing) -> bool:
    values = {"schedule": firing.schedule, "due_at": to_microseconds(firing.due_at), "late": int(bool(firing.late))}
    return bool(connection.execute(QUERIES["settle_firing"], values).rowcount)


def _state_from_row(row: tuple[Any, ...]) -> ScheduleState:
    _, begins_at, paused_at, paused_by, pause_reason, last_due_at = row
    handled = max(begins_at, begins_at if last_due_at is None else last_due_at)
    return ScheduleState(from_microseconds(handled) or EPOCH, from_microseconds(paused_at), paused_by, pause_reason)
