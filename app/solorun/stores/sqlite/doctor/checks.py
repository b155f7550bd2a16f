"""Checks and repairs the database file, the schema, and the runs with their steps. Logs are in `log_checks.py`."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from solorun.store import Finding
from solorun.stores.queries import load_queries
from solorun.stores.sqlite.connection import BEGIN_WRITE, in_transaction
from solorun.stores.sqlite.doctor.log_checks import check_logs
from solorun.stores.sqlite.errors import is_damage
from solorun.stores.sqlite.schema import migrate

QUERIES: Final = load_queries(__package__, "invariants.sql")

_SQL_COMMENT = re.compile(r"--[^\n]*")


@dataclass(frozen=True, slots=True)
class _Rule:
    """An invariant: `find_<name>` selects its violations, and `repair_<repair>` repairs one, with this `effect`."""

    name: str
    message: str
    repair: str | None = None
    effect: str | None = None


# In this order, because a repair may leave a violation for a later rule.
_RULES: Final = (
    _Rule(
        "step_without_run", "Steps exist for run {run_id}, which does not exist.", "step_without_run", "deletes them",
    ),
    _Rule(
        "segment_without_run", "Records exist for run {run_id}, which does not exist.", "segment_without_run",
        "deletes them",
    ),
    _Rule(
        "second_active_run", "Run {run_id} of project {project} is active although run {newest} is too.",
        "by_interrupting", "marks it as interrupted and keeps the newest run",
    ),
    _Rule(
        "active_run_without_owner", "Run {run_id} of project {project} is {status}, but no service executes it.",
        "by_interrupting", "marks it as interrupted",
    ),
    _Rule(
        "ended_run_without_end", "Run {run_id} is {status}, but has no end time.", "ended_run_without_end",
        "uses the end of its last step, or else its start",
    ),
    _Rule(
        "active_run_with_end", "Run {run_id} is {status}, but has an end time.", "active_run_with_end",
        "clears that time; the next start of the service ends the run",
    ),
    _Rule(
        "pending_run_that_began", "Run {run_id} is pending, but has started.", "by_starting",
        "marks it as running; the next start of the service ends it",
    ),
    _Rule(
        "running_run_without_start", "Run {run_id} is running, but has no start time.", "by_starting",
        "uses the time it was created",
    ),
    _Rule(
        "unended_step_of_ended_run", "Step {step} of run {run_id} is {status}, but the run is {run_status}.",
        "unended_step_of_ended_run", "ends the step: running takes the run's status, pending becomes skipped",
    ),
    _Rule("failed_step_of_completed_run", "Step {step} of run {run_id} is {status}, but the run is completed."),
    _Rule(
        "step_out_of_log", "Step {step} of run {run_id} refers to records outside the log, which ends at {end_seq}.",
        "step_out_of_log", "forgets the position; the step's records are then searched for in the whole log",
    ),
)  # fmt: skip


def check(connection: sqlite3.Connection, *, now: int, repair: bool) -> list[Finding]:
    """All violations. Begins its own transaction, after checking the file: a damaged file cannot complete one."""
    findings = list(_check_file(connection, repair=repair))
    if any(finding.repair is None for finding in findings):
        return findings  # the contents of a damaged file are not reliable
    return findings + in_transaction(
        connection, BEGIN_WRITE, lambda connection: _check_contents(connection, now=now, repair=repair)
    )


def _check_contents(connection: sqlite3.Connection, *, now: int, repair: bool) -> list[Finding]:
    """Repairs each violation as soon as it is found, so that its consequences are found too."""
    findings = list(_check_tables(connection))
    if findings:
        return findings
    for rule in _RULES:
        findings += _check_rule(connection, rule, now=now, repair=repair)
    findings += check_logs(connection, QUERIES, repair=repair)
    findings += _check_indexes(connection, repair=repair)
    return findings


def _check_file(connection: sqlite3.Connection, *, repair: bool) -> Iterator[Finding]:
    try:
        messages = [text for (text,) in connection.execute("PRAGMA integrity_check").fetchall() if text != "ok"]
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        messages = [str(error)]
    of_indexes = [message for message in messages if " index " in message]
    if of_indexes:
        yield Finding(None, f"An index contradicts its table: {'; '.join(of_indexes)}.", "rebuilds the indexes")
        if repair:
            connection.execute("REINDEX")
    for message in messages:
        if message not in of_indexes:
            yield Finding(None, f"The database file is damaged: {message}. Restore a backup.", None)


def _check_tables(connection: sqlite3.Connection) -> Iterator[Finding]:
    for name, state, _ in _find_schema_changes(connection, "table"):
        yield Finding(None, f"The table {name} is {state}. Restore a backup.", None)


def _check_indexes(connection: sqlite3.Connection, *, repair: bool) -> Iterator[Finding]:
    for name, state, sql in _find_schema_changes(connection, "index"):
        yield Finding(None, f"The index {name} is {state}.", "creates it again")
        if repair:
            connection.execute(f"DROP INDEX IF EXISTS {name}")
            connection.execute(sql)


def _check_rule(connection: sqlite3.Connection, rule: _Rule, *, now: int, repair: bool) -> Iterator[Finding]:
    cursor = connection.execute(QUERIES[f"find_{rule.name}"])
    names = [column[0] for column in cursor.description]
    for row in cursor.fetchall():
        values = dict(zip(names, row, strict=True))
        yield Finding(values["run_id"], rule.message.format_map(values), rule.effect)
        if repair and rule.repair is not None:
            connection.execute(QUERIES[f"repair_{rule.repair}"], {**values, "now": now})


def _find_schema_changes(connection: sqlite3.Connection, kind: str) -> list[tuple[str, str, str]]:
    """Tables or indexes that differ from the migrations: the name, "changed" or "missing", and the SQL it should have.

    Ignores comments, which a later version may word differently.
    """
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as pristine:
        migrate(pristine)
        expected = _read_schema(pristine, kind)
    present = {name: _SQL_COMMENT.sub("", sql).split() for name, sql in _read_schema(connection, kind).items()}
    return [
        (name, "changed" if name in present else "missing", sql)
        for name, sql in expected.items()
        if present.get(name) != _SQL_COMMENT.sub("", sql).split()
    ]


def _read_schema(connection: sqlite3.Connection, kind: str) -> dict[str, str]:
    # Rows without SQL are the indexes that SQLite creates for keys, which belong to their tables.
    rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = ? AND sql IS NOT NULL", (kind,))
    return {name: sql for name, sql in rows if not name.startswith("sqlite_")}
