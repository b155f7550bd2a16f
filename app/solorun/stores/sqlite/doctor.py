"""Checks and repairs the database file, the schema, and the contents."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing

from solorun.store import Finding
from solorun.stores.sql.doctor.checks import check_contents
from solorun.stores.sqlite.connection import BEGIN_WRITE, in_transaction
from solorun.stores.sqlite.errors import is_damage
from solorun.stores.sqlite.schema import migrate

_SQL_COMMENT = re.compile(r"--[^\n]*")


def check(connection: sqlite3.Connection, *, now: int, repair: bool) -> list[Finding]:
    """All violations. Begins its own transaction, after checking the file: a damaged file cannot complete one."""
    findings = list(_check_file(connection, repair=repair))
    if any(finding.repair is None for finding in findings):
        return findings  # the contents of a damaged file are not reliable
    return findings + in_transaction(
        connection, BEGIN_WRITE, lambda connection: _check_schema_and_contents(connection, now=now, repair=repair)
    )


def _check_schema_and_contents(connection: sqlite3.Connection, *, now: int, repair: bool) -> list[Finding]:
    findings = list(_check_tables(connection))
    if findings:
        return findings
    findings += check_contents(connection, now=now, repair=repair)
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
