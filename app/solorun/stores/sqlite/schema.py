"""The database's schema: numbered migrations, forward only, each in a transaction. `user_version` counts them."""

import sqlite3
from collections.abc import Iterator
from importlib.resources import files
from typing import Final

from solorun.errors import DatabaseUnusable


def _load_migrations() -> tuple[str, ...]:
    folder = files(__package__) / "migrations"
    scripts = sorted((entry.name, entry) for entry in folder.iterdir() if entry.name.endswith(".sql"))
    for number, (name, _) in enumerate(scripts, start=1):
        if not name.startswith(f"{number:04}_"):
            raise ValueError(f"{name} should be migration number {number:04}")
    return tuple(entry.read_text(encoding="utf-8") for _, entry in scripts)


MIGRATIONS: Final = _load_migrations()


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the schema to this version; inside the caller's transaction, so that one process alone does it.

    Raises DatabaseUnusable for a database of a newer version, and for one that is not ours.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(MIGRATIONS):
        raise DatabaseUnusable(
            f"The database was written by a newer version of Solorun (its schema is version {version}, this Solorun"
            f" knows up to {len(MIGRATIONS)}). Use that version, or another data directory."
        )
    if version == 0 and connection.execute("SELECT 1 FROM sqlite_master").fetchone():
        raise DatabaseUnusable("The database file holds another program's tables. Use another data directory.")
    for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
        for statement in _statements(script):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {number}")


def _statements(script: str) -> Iterator[str]:
    # executescript() would commit the transaction that this is part of.
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
