"""What must always be true of the database, checked and mended: the file, the schema, runs and their steps.

Their logs are in `log_invariants.py`. Functions for the writing connection's thread.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final

from solorun.store import Finding
from solorun.stores.queries import load_queries
from solorun.stores.sqlite.connection import BEGIN_WRITE, in_transaction
from solorun.stores.sqlite.doctor.log_checks import check_logs
from solorun.stores.sqlite.errors import is_damage
from solorun.stores.sqlite.schema import migrate

QUERIES: Final = load_queries(__package__, "invariants.sql")


@dataclass(frozen=True, slots=True)
class _Rule:
    """Rows that must not be: the search for them, the sentence about one, and the repair with its sentence."""

    search: str
    message: str
    repair: str | None = None
    promise: str | None = None


# In this order: what an earlier repair leaves to be done is found by a later rule.
_RULES: Final = (
    _Rule(
        "find_step_without_run",
        "There are steps of run {run_id}, which does not exist.",
        "repair_step_without_run",
        "removes them",
    ),
    _Rule(
        "find_segment_without_run",
        "There are records of run {run_id}, which does not exist.",
        "repair_segment_without_run",
        "removes them",
    ),
    _Rule(
        "find_second_active_run",
        "Run {run_id} of project {project} is active beside run {newest}; one at most may be.",
        "repair_by_interrupting",
        "makes it interrupted and keeps the newest",
    ),
    _Rule(
        "find_active_run_without_owner",
        "Run {run_id} of project {project} is {status}, but no service executes it.",
        "repair_by_interrupting",
        "makes it interrupted",
    ),
    _Rule(
        "find_ended_run_without_end",
        "Run {run_id} is {status}, but nothing says since when.",
        "repair_ended_run_without_end",
        "takes the end of its last step, or else its start",
    ),
    _Rule(
        "find_active_run_with_end",
        "Run {run_id} is {status}, but says when it finished.",
        "repair_active_run_with_end",
        "removes that time; the next start of the service settles the run",
    ),
    _Rule(
        "find_pending_run_that_began",
        "Run {run_id} is pending, but has begun.",
        "repair_by_starting",
        "makes it running; the next start of the service settles it",
    ),
    _Rule(
        "find_running_run_without_start",
        "Run {run_id} is running, but nothing says since when.",
        "repair_by_starting",
        "takes the time when it was created",
    ),
    _Rule(
        "find_unended_step_of_ended_run",
        "Step {step} of run {run_id} is {status}, but the run is {run_status}.",
        "repair_unended_step_of_ended_run",
        "ends the step with its run: what was running takes the run's status, what was pending is skipped",
    ),
    _Rule(
        "find_failed_step_of_completed_run",
        "Step {step} of run {run_id} is {status}, but the run is completed.",
    ),
    _Rule(
        "find_step_out_of_log",
        "Step {step} of run {run_id} says its records are where the log, which ends at {end_seq}, has none.",
        "repair_step_out_of_log",
        "forgets where they are; they are then looked for in the whole log",
    ),
)


def check(connection: sqlite3.Connection, *, now: int, repair: bool) -> list[Finding]:
    """All that is wrong. Not in a transaction yet: a damaged file can end none."""
    of_file = list(_check_file(connection, repair=repair))
    if any(finding.repair is None for finding in of_file):
        return of_file  # nothing else can be believed
    return of_file + in_transaction(
        connection, BEGIN_WRITE, lambda connection: _check_contents(connection, now=now, repair=repair)
    )


def _check_contents(connection: sqlite3.Connection, *, now: int, repair: bool) -> list[Finding]:
    """Each thing is mended as soon as it is found, so that what follows from it is found as well."""
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
        yield Finding(None, f"An index contradicts its table: {'; '.join(of_indexes)}.", "builds the indexes anew")
        if repair:
            connection.execute("REINDEX")
    for message in messages:
        if message not in of_indexes:
            yield Finding(None, f"The database file is damaged: {message}. Restore a backup.", None)


def _check_tables(connection: sqlite3.Connection) -> Iterator[Finding]:
    present = _schema(connection, "table")
    for name, sql in _expected_schema("table").items():
        if present.get(name) != sql:
            fault = "changed" if name in present else "missing"
            yield Finding(None, f"The table {name} is {fault}. Restore a backup.", None)


def _check_indexes(connection: sqlite3.Connection, *, repair: bool) -> Iterator[Finding]:
    present = _schema(connection, "index")
    for name, sql in _expected_schema("index").items():
        if present.get(name) == sql:
            continue
        yield Finding(None, f"The index {name} is {'changed' if name in present else 'missing'}.", "makes it anew")
        if repair:
            connection.execute(f"DROP INDEX IF EXISTS {name}")
            connection.execute(sql)


def _check_rule(connection: sqlite3.Connection, rule: _Rule, *, now: int, repair: bool) -> Iterator[Finding]:
    cursor = connection.execute(QUERIES[rule.search])
    names = [column[0] for column in cursor.description]
    for row in cursor.fetchall():
        values = dict(zip(names, row, strict=True))
        yield Finding(values["run_id"], rule.message.format_map(values), rule.promise)
        if repair and rule.repair is not None:
            connection.execute(QUERIES[rule.repair], {**values, "now": now})


def _expected_schema(kind: str) -> dict[str, str]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as pristine:
        migrate(pristine)
        return _schema(pristine, kind)


def _schema(connection: sqlite3.Connection, kind: str) -> dict[str, Any]:
    # Without SQL: the indexes that SQLite makes for keys by itself, which belong to their tables.
    rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = ? AND sql IS NOT NULL", (kind,))
    return {name: sql for name, sql in rows if not name.startswith("sqlite_")}
