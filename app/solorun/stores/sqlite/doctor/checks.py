"""Checks and repairs the database file, the schema, and the runs with their steps. Logs are in `log_checks.py`."""

import re
import sqlite3
import tomllib
from collections.abc import Iterator
from contextlib import closing
from importlib.resources import files

import msgspec

from solorun.store import Finding
from solorun.stores.sqlite.connection import BEGIN_WRITE, in_transaction
from solorun.stores.sqlite.doctor.log_checks import check_logs
from solorun.stores.sqlite.errors import is_damage
from solorun.stores.sqlite.schema import migrate

_SQL_COMMENT = re.compile(r"--[^\n]*")


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An invariant: the statement that finds its violations, and the one that repairs them, if that is possible."""

    find: str
    message: str
    repair: str | None = None
    effect: str | None = None


def load_rules() -> list[Rule]:
    """The rules, in the order of their checks."""
    document = tomllib.loads((files(__package__) / "rules.toml").read_text(encoding="utf-8"))
    return msgspec.convert(document["rules"], list[Rule])


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
    for rule in load_rules():
        findings += _check_rule(connection, rule, now=now, repair=repair)
    findings += check_logs(connection, repair=repair)
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


def _check_rule(connection: sqlite3.Connection, rule: Rule, *, now: int, repair: bool) -> Iterator[Finding]:
    cursor = connection.execute(rule.find)
    names = [column[0] for column in cursor.description]
    for row in cursor.fetchall():
        values = dict(zip(names, row, strict=True))
        yield Finding(values["run_id"], rule.message.format_map(values), rule.effect)
        if repair and rule.repair is not None:
            connection.execute(rule.repair, {**values, "now": now})


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
