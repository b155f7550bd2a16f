"""Translates the driver's errors into Solorun's, by SQLite's symbolic error names."""

import sqlite3
from typing import Final

import msgspec
from zstandard import ZstdError

from solorun.errors import SolorunError, StoreCorrupted, StoreFailure, StoreUnavailable

DRIVER_ERRORS: Final = (sqlite3.Error, ZstdError, msgspec.MsgspecError, OverflowError, UnicodeError)
"""What the driver, decompression and decoding may raise."""

_UNAVAILABLE: Final = {
    "SQLITE_BUSY": "another process holds the database's lock",
    "SQLITE_LOCKED": "the database is locked",
    "SQLITE_PROTOCOL": "the database's lock could not be taken",
    "SQLITE_FULL": "the disk is full",
    "SQLITE_IOERR": "the disk could not be read or written",
    "SQLITE_READONLY": "the database is read-only",
    "SQLITE_CANTOPEN": "the database file cannot be opened",
    "SQLITE_PERM": "access to the database file was denied",
    "SQLITE_NOMEM": "out of memory",
}
_DAMAGED: Final = frozenset({"SQLITE_CORRUPT", "SQLITE_NOTADB"})
# After these errors the connection's cached view of the file may be wrong, so the next function gets a new connection.
_REOPEN: Final = frozenset({"SQLITE_IOERR", "SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_CORRUPT", "SQLITE_NOTADB"})


def translate(error: Exception) -> SolorunError:
    """StoreUnavailable for disk and lock errors, StoreCorrupted for unreadable data, otherwise StoreFailure."""
    name = _name(error)
    primary = _primary(name)
    if primary in _UNAVAILABLE:
        return StoreUnavailable(f"The database is not available: {_UNAVAILABLE[primary]} ({name}).")
    if primary in _DAMAGED:
        return StoreCorrupted(
            f"The database is damaged ({name}: {error}). Stop the service; run `solorun doctor` or restore a backup."
        )
    if isinstance(error, ZstdError | msgspec.MsgspecError):
        return StoreCorrupted(f"Stored records cannot be read: {error}. `solorun doctor` finds out which.")
    return StoreFailure(f"The database refused the operation: {error}" + (f" ({name})." if name else "."))


def needs_reopening(error: Exception) -> bool:
    """Whether the connection must not be used again."""
    return _primary(_name(error)) in _REOPEN


def is_busy(error: Exception) -> bool:
    """Whether another connection was in the way, or was recovering the database after a crash."""
    return _primary(_name(error)) == "SQLITE_BUSY"


def is_damage(error: Exception) -> bool:
    return _primary(_name(error)) in _DAMAGED


def _name(error: Exception) -> str:
    return getattr(error, "sqlite_errorname", None) or ""


def _primary(name: str) -> str:
    """SQLITE_IOERR of SQLITE_IOERR_WRITE: an extended name begins with its primary one."""
    return "_".join(name.split("_")[:2])
