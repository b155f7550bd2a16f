"""Reads the database with plain SQL, and installs triggers that record every transition of a run and every hold."""

import contextlib
import json
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from zstandard import ZstdDecompressor

from solorun.outcome import StopEffect
from solorun.run import Cancel

EXPIRED = "expired"
_TRIGGERS = """
CREATE TABLE IF NOT EXISTS audit_transitions (
    number INTEGER PRIMARY KEY AUTOINCREMENT, run_id INTEGER, project TEXT, before TEXT, after TEXT, owner TEXT,
    pinned INTEGER NOT NULL DEFAULT 0
);
CREATE TRIGGER IF NOT EXISTS audit_insert AFTER INSERT ON runs BEGIN
    INSERT INTO audit_transitions (run_id, project, before, after, owner)
    VALUES (NEW.id, NEW.project, NULL, NEW.status, NEW.owner);
END;
-- An ended run may only be pinned, unpinned and expire, which hides it. An expired run is deleted.
CREATE TRIGGER IF NOT EXISTS audit_update AFTER UPDATE OF
    status, owner, started_at, finished_at, error_message, current_step, last_seq, cancel_requested_at, cancel_effect
ON runs WHEN OLD.status IS NOT NEW.status OR OLD.status NOT IN ('pending', 'running') BEGIN
    INSERT INTO audit_transitions (run_id, project, before, after, owner)
    VALUES (NEW.id, NEW.project, OLD.status, NEW.status, NEW.owner);
END;
CREATE TABLE IF NOT EXISTS audit_holds (
    number INTEGER, run_id INTEGER, resource TEXT, slot INTEGER, step TEXT, is_taken INTEGER
);
CREATE TRIGGER IF NOT EXISTS audit_take AFTER INSERT ON holds BEGIN
    INSERT INTO audit_transitions (run_id) VALUES (NEW.run_id);
    INSERT INTO audit_holds VALUES (last_insert_rowid(), NEW.run_id, NEW.resource, NEW.slot, NEW.step, 1);
END;
CREATE TRIGGER IF NOT EXISTS audit_release AFTER DELETE ON holds BEGIN
    INSERT INTO audit_transitions (run_id) VALUES (OLD.run_id);
    INSERT INTO audit_holds VALUES (last_insert_rowid(), OLD.run_id, OLD.resource, OLD.slot, OLD.step, 0);
END;
CREATE TRIGGER IF NOT EXISTS audit_expire AFTER UPDATE OF expired_at ON runs WHEN NEW.expired_at IS NOT NULL BEGIN
    INSERT INTO audit_transitions (run_id, project, before, after, owner, pinned)
    VALUES (NEW.id, NEW.project, OLD.status, 'expired', NEW.owner, OLD.pinned);
END;
CREATE TRIGGER IF NOT EXISTS audit_delete AFTER DELETE ON runs BEGIN
    INSERT INTO audit_transitions (run_id, project, before, after, owner, pinned)
    VALUES (OLD.id, OLD.project, iif(OLD.expired_at IS NULL, OLD.status, 'expired'), NULL, OLD.owner, OLD.pinned);
END;
"""


@dataclass(frozen=True, slots=True)
class Move:
    """A status change of a row. `before` is None for an insert, `after` is None for a delete.

    A run that has expired is `EXPIRED`: no reader finds it, and its log may be partly deleted.
    """

    run_id: int
    project: str
    before: str | None
    after: str | None
    number: int = 0
    is_pinned: bool = False


@dataclass(frozen=True, slots=True)
class HoldMove:
    """A slot that was taken or released, numbered together with the moves of runs."""

    number: int
    run_id: int
    resource: str
    slot: int
    step: str
    is_taken: bool


@dataclass(frozen=True, slots=True)
class Row:
    """The columns of a run that are compared."""

    id: int
    project: str
    status: str
    error_message: str | None
    started_at: datetime | None
    finished_at: datetime | None
    last_seq: int
    steps: tuple[tuple[str, str], ...]
    resources: dict[str, int] = field(default_factory=dict)
    replaces: int | None = None
    cancel: Cancel | None = None
    notifies: bool = False
    """Whether it has targets that receive all news about it."""


@dataclass(frozen=True, slots=True)
class Database:
    """The contents of a database that no process has open."""

    runs: dict[int, Row]
    logs: dict[int, list[tuple[int, list[bytes]]]]
    """The segments of each run: first seq and the records' JSON."""
    moves: list[Move]
    integrity: str
    holds: list[HoldMove] = field(default_factory=list)
    deliveries: dict[int, list[str]] = field(default_factory=dict)
    """The events of each run's deliveries."""

    @property
    def deleted(self) -> set[int]:
        """The runs that have expired or are deleted. They are not among `runs`."""
        return {move.run_id for move in self.moves if move.after in (EXPIRED, None)}


def install_triggers(path: Path) -> None:
    """From now on the database records every transition."""
    with contextlib.closing(sqlite3.connect(path, timeout=30)) as connection:
        connection.executescript(_TRIGGERS)


def read_database(path: Path) -> Database:
    with contextlib.closing(sqlite3.connect(path, timeout=30)) as connection:
        decompress = ZstdDecompressor().decompress
        logs: dict[int, list[tuple[int, list[bytes]]]] = {}
        segments = "SELECT run_id, first_seq, payload_bytes, payload FROM segments ORDER BY run_id, last_seq"
        for run_id, first_seq, size, payload in connection.execute(segments):
            lines = decompress(payload, max_output_size=size).split(b"\n")[:-1]
            logs.setdefault(run_id, []).append((first_seq, lines))
        moves, holds = [], []
        if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'audit_transitions'").fetchone():
            moves = [
                Move(run_id, project, before, after, number, bool(pinned))
                for run_id, project, before, after, number, pinned in connection.execute(
                    "SELECT run_id, project, before, after, number, pinned FROM audit_transitions"
                    " WHERE project IS NOT NULL ORDER BY number"
                )
            ]
            holds = [
                HoldMove(number, run_id, resource, slot, step, bool(is_taken))
                for number, run_id, resource, slot, step, is_taken in connection.execute(
                    "SELECT * FROM audit_holds ORDER BY number"
                )
            ]
        (integrity,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
        deliveries: dict[int, list[str]] = {}
        for run_id, event in connection.execute("SELECT run_id, event FROM deliveries ORDER BY id"):
            deliveries.setdefault(run_id, []).append(event)
        return Database(read_rows(connection.execute), logs, moves, integrity, holds, deliveries)


def read_rows(execute: Callable[[str], Iterable[Any]]) -> dict[int, Row]:
    """The runs by id. `execute` executes a query, on either database."""
    steps: dict[int, list[tuple[str, str]]] = {}
    for run_id, name, status in execute("SELECT run_id, name, status FROM steps ORDER BY run_id, position"):
        steps.setdefault(run_id, []).append((name, status))
    cancels = _read_cancels(execute)
    columns = "id, project, status, error_message, started_at, finished_at, last_seq, resources, replaces, notify"
    return {
        run_id: Row(
            run_id,
            project,
            status,
            error,
            time_of(started),
            time_of(finished),
            last_seq,
            tuple(steps.get(run_id, ())),
            json.loads(resources),
            replaces,
            cancels.get(run_id),
            notify is not None,
        )
        for run_id, project, status, error, started, finished, last_seq, resources, replaces, notify in (
            execute(f"SELECT {columns} FROM runs WHERE expired_at IS NULL ORDER BY id")
        )
    }


def _read_cancels(execute: Callable[[str], Iterable[Any]]) -> dict[int, Cancel]:
    rows = execute(
        "SELECT id, cancel_requested_at, cancel_requested_by, cancel_reason, cancel_grace_seconds, cancel_signalled_at,"
        " cancel_position, cancel_effect, cancel_settled_at FROM runs WHERE cancel_requested_at IS NOT NULL"
    )
    return {
        run_id: Cancel(
            datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=requested_at),
            by,
            reason,
            grace_seconds,
            time_of(signalled_at),
            tuple(json.loads(position or "[]")),
            StopEffect(effect) if effect else None,
            time_of(settled_at),
        )
        for run_id, requested_at, by, reason, grace_seconds, signalled_at, position, effect, settled_at in rows
    }


def time_of(microseconds: Any) -> datetime | None:
    if microseconds is None:
        return None
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
