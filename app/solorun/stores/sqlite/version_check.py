"""Describes a known bug of the SQLite that this Python was built with."""

import sqlite3
from typing import Final

VERSION: Final = sqlite3.sqlite_version

_BACKPORTS: Final = {(3, 44): 6, (3, 50): 7, (3, 51): 3}
"""Release lines that received the fix, and the first patch release that contains it."""


def has_wal_reset_bug(version: tuple[int, ...]) -> bool:
    """Whether this SQLite may damage a database that several connections checkpoint simultaneously.

    Affects 3.7.0 to 3.51.2, except backported fixes; see "WAL-reset bug" on https://sqlite.org/changes.html.
    """
    line, patch = version[:2], version[2]
    if line in _BACKPORTS:
        return patch < _BACKPORTS[line]
    return (3, 7) <= line < (3, 51)


def describe_wal_reset_bug() -> str | None:
    """A warning if this SQLite has the bug. Only the writer checkpoints here, so another program's would be needed."""
    if not has_wal_reset_bug(sqlite3.sqlite_version_info):
        return None
    return (
        f"SQLite {VERSION} has the WAL-reset bug. Your data is safe as long as no other program opens solorun.db while"
        " the service runs. SQLite 3.51.3 fixes the bug."
    )
