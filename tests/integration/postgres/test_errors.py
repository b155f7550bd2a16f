"""Driver errors are translated by their SQLSTATE."""

import psycopg
import pytest
from psycopg import errors
from zstandard import ZstdError

from solorun.errors import StoreCorrupted, StoreFailure, StoreUnavailable
from solorun.stores.postgres.errors import translate


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (errors.AdminShutdown(), "shutting down"),
        (errors.CannotConnectNow(), "shutting down"),
        (errors.ConnectionFailure(), "connection to the server failed"),
        (errors.DeadlockDetected(), "another transaction"),
        (errors.DiskFull(), "disk space"),
        (errors.InsufficientPrivilege(), "may not access"),
        (errors.InvalidPassword(), "password"),
        (errors.IoError(), "disk could not be read or written"),
        (errors.LockNotAvailable(), "holds a lock"),
        (errors.QueryCanceled(), "cancelled the statement"),
        (errors.ReadOnlySqlTransaction(), "read-only"),
        (errors.TooManyConnections(), "connections"),
        (psycopg.OperationalError("connection to server at db.example failed"), "no connection"),
        (psycopg.InterfaceError("the connection is closed"), "no connection"),
    ],
)
def test_connections_locks_and_disks_are_store_unavailable(error: psycopg.Error, words: str) -> None:
    fault = translate(error)

    assert isinstance(fault, StoreUnavailable)
    assert words in fault.message
    assert "db.example" not in fault.message


@pytest.mark.parametrize("error", [errors.DataCorrupted(), errors.IndexCorrupted(), ZstdError("made by a test")])
def test_the_message_about_damage_says_what_to_do(error: Exception) -> None:
    fault = translate(error)

    assert isinstance(fault, StoreCorrupted)
    assert "solorun doctor" in fault.message


@pytest.mark.parametrize(
    "error",
    [errors.CheckViolation(), errors.UndefinedTable(), errors.NumericValueOutOfRange(), OverflowError("too large")],
    ids=lambda error: type(error).__name__,
)
def test_all_other_errors_are_store_failures(error: Exception) -> None:
    assert isinstance(translate(error), StoreFailure)
