"""The one boundary where a driver's error becomes one of ours, by SQLite's own name for it."""

import sqlite3
from typing import Final

import msgspec
from zstandard import ZstdError

from solorun.errors import SolorunError, StoreCorrupted, StoreFailure, StoreUnavailable

DRIVER_ERRORS: Final = (sqlite3.Error, ZstdError, msgspec.MsgspecError, OverflowError, UnicodeError)
"""What the driver, the compression and the decoding of what is stored may raise."""

_UNAVAILABLE: Final = {
    "SQLITE_BUSY": "another process holds the database's lock",
    "SQLITE_LOCKED": "the database is locked",
    "SQLITE_PROTOCOL": "the database's lock could not be taken",
    "SQLITE_FULL": "the disk is full",
    "SQLITE_IOERR": "the disk could not be read or written",
    "SQLITE_READONLY": "the database cannot be written: it is read-only",
    "SQLITE_CANTOPEN": "the database file cannot be opened",
    "SQLITE_PERM": "the database file may not be used",
    "SQLITE_NOMEM": "memory ran out",
}
_DAMAGED: Final = frozenset({"SQLITE_CORRUPT", "SQLITE_NOTADB"})
# After these the connection's own picture of the file may be wrong: the next write begins with a new one.
_REOPEN: Final = frozenset({"SQLITE_IOERR", "SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_CORRUPT", "SQLITE_NOTADB"})


def translate(error: Exception) -> SolorunError:
    """StoreUnavailable for the disk and locks, StoreCorrupted for what cannot be read, else StoreFailure."""
    name = _error_name(error)
    primary = _primary(name)
    if primary in _UNAVAILABLE:
        return StoreUnavailable(f"The database is not available: {_UNAVAILABLE[primary]} ({name}).")
    if primary in _DAMAGED:
        return StoreCorrupted(
            f"The database is damaged ({name}: {error}). Stop the service; run `solorun doctor` or restore a backup."
        )
    if isinstance(error, ZstdError | msgspec.MsgspecError):
        return StoreCorrupted(f"Stored records cannot be read: {error}. `solorun doctor` says which.")
    return StoreFailure(f"The database refused: {error}" + (f" ({name})." if name else "."))


def needs_reopening(error: Exception) -> bool:
    """Whether the connection must not be used again."""
    return _primary(_error_name(error)) in _REOPEN


def is_busy(error: Exception) -> bool:
    """Whether somebody else was in the way: also one who recovers what a crash left."""
    return _primary(_error_name(error)) == "SQLITE_BUSY"


def is_damage(error: Exception) -> bool:
    """Whether SQLite says that the file is broken."""
    return _primary(_error_name(error)) in _DAMAGED


def _error_name(error: Exception) -> str:
    return getattr(error, "sqlite_errorname", None) or ""


def _primary(name: str) -> str:
    """SQLITE_IOERR of SQLITE_IOERR_WRITE: extended names carry their primary one in front."""
    return "_".join(name.split("_")[:2])
