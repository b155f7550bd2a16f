"""Driver errors are translated by SQLite's symbolic names."""

import sqlite3

import msgspec
import pytest
from zstandard import ZstdError

from solorun.errors import StoreCorrupted, StoreFailure, StoreUnavailable
from solorun.stores.sqlite.errors import needs_reopening, translate


def _error(name: str) -> sqlite3.Error:
    error = sqlite3.DatabaseError("made by a test")
    error.sqlite_errorname = name
    return error


@pytest.mark.parametrize(
    ("name", "words", "reopen"),
    [
        ("SQLITE_BUSY", "lock", False),
        ("SQLITE_BUSY_SNAPSHOT", "lock", False),
        ("SQLITE_LOCKED", "locked", False),
        ("SQLITE_LOCKED_SHAREDCACHE", "locked", False),
        ("SQLITE_FULL", "full", False),
        ("SQLITE_IOERR", "disk", True),
        ("SQLITE_IOERR_FSYNC", "disk", True),
        ("SQLITE_IOERR_SHORT_READ", "disk", True),
        ("SQLITE_READONLY", "read-only", True),
        ("SQLITE_READONLY_DBMOVED", "read-only", True),
        ("SQLITE_CANTOPEN", "opened", True),
        ("SQLITE_PROTOCOL", "lock", False),
        ("SQLITE_PERM", "denied", False),
        ("SQLITE_NOMEM", "memory", False),
    ],
)
def test_disk_and_lock_errors_are_store_unavailable(name: str, words: str, reopen: bool) -> None:
    fault = translate(_error(name))

    assert isinstance(fault, StoreUnavailable)
    assert words in fault.message
    assert name in fault.message
    assert needs_reopening(_error(name)) is reopen


@pytest.mark.parametrize("name", ["SQLITE_CORRUPT", "SQLITE_CORRUPT_INDEX", "SQLITE_NOTADB"])
def test_the_message_about_damage_says_what_to_do(name: str) -> None:
    fault = translate(_error(name))

    assert isinstance(fault, StoreCorrupted)
    assert "damaged" in fault.message
    assert "solorun doctor" in fault.message
    assert needs_reopening(_error(name))


@pytest.mark.parametrize("error", [ZstdError("made by a test"), msgspec.DecodeError("made by a test")])
def test_unreadable_bytes_are_damage(error: Exception) -> None:
    fault = translate(error)

    assert isinstance(fault, StoreCorrupted)
    assert "solorun doctor" in fault.message
    assert not needs_reopening(error)


@pytest.mark.parametrize(
    "error",
    [
        _error("SQLITE_CONSTRAINT_CHECK"),
        _error("SQLITE_ERROR"),
        sqlite3.ProgrammingError("made by a test"),
        OverflowError("too large"),
        UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_all_other_errors_are_store_failures(error: Exception) -> None:
    fault = translate(error)

    assert isinstance(fault, StoreFailure)
    assert not needs_reopening(error)
