"""The database's schema: numbered migrations, forward only. `user_version` is the number of the last one applied."""

import sqlite3
from collections.abc import Iterator, Sequence
from importlib.resources import files
from typing import Final

from solorun.errors import DatabaseUnusable
from solorun.stores.sql.migrations import load_migrations
from solorun.stores.sql.probe import insert_and_undo
from solorun.stores.sqlite.connection import BEGIN_WRITE, in_transaction

MIGRATIONS: Final = load_migrations(files(__package__) / "migrations")


def migrate(connection: sqlite3.Connection, migrations: Sequence[str] = MIGRATIONS) -> None:
    """Apply the missing migrations. In the caller's transaction, so that only one process does it.

    Raises DatabaseUnusable if the database was written by a newer version, or by another program.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(migrations):
        raise DatabaseUnusable(
            f"The database was written by a newer version of Solorun: its schema is version {version}, and this"
            f" version supports schemas up to {len(migrations)}. Use the newer version, or another data directory."
        )
    if version == 0 and connection.execute("SELECT 1 FROM sqlite_master").fetchone():
        raise DatabaseUnusable("The database file holds another program's tables. Use another data directory.")
    for number, script in enumerate(migrations[version:], start=version + 1):
        for statement in _statements(script):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {number}")


def migrate_alone(connection: sqlite3.Connection) -> None:
    """`migrate` in a transaction of its own, without foreign keys, which would delete what refers to a copied table."""
    connection.execute("PRAGMA foreign_keys = OFF")
    try:
        in_transaction(connection, BEGIN_WRITE, migrate)
    finally:
        connection.execute("PRAGMA foreign_keys = ON")


def write_without_effect(connection: sqlite3.Connection) -> None:
    """A write that changes nothing, but shows whether the database can be written."""
    insert_and_undo(connection)
    # Rewriting it writes and syncs a page, which an empty transaction would not do.
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    connection.execute(f"PRAGMA user_version = {version}").close()


def _statements(script: str) -> Iterator[str]:
    # executescript() would commit the surrounding transaction.
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
