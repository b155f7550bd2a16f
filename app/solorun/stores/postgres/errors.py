"""Translates the driver's errors into Solorun's, by SQLSTATE: five characters, of which two are the class."""

from typing import Final

import msgspec
import psycopg
from zstandard import ZstdError

from solorun.errors import SolorunError, StoreCorrupted, StoreFailure, StoreUnavailable

DRIVER_ERRORS: Final = (psycopg.Error, ZstdError, msgspec.MsgspecError, OverflowError, UnicodeError)
"""What the driver, decompression and decoding may raise."""

_UNAVAILABLE: Final = {
    "08": "the connection to the server failed",
    "25006": "it is read-only, as on a standby server",
    "28": "the server refused the user or the password",
    "3D": "it does not exist",
    "40001": "another transaction was in the way",
    "40P01": "another transaction was in the way",
    "42501": "the user may not access its tables",
    "53": "the server is out of memory, disk space or connections",
    "55P03": "another transaction holds a lock",
    "57": "the server is shutting down, or cancelled the statement",
    "58": "the server's disk could not be read or written",
}
_DAMAGED: Final = frozenset({"XX001", "XX002"})


def translate(error: Exception) -> SolorunError:
    """StoreUnavailable for connections, locks and disks, StoreCorrupted for unreadable data, otherwise StoreFailure.

    Messages for clients: the text of a failed connection, which names hosts and users, stays in the cause.
    """
    state = getattr(error, "sqlstate", None) or ""
    if state in _DAMAGED:
        return StoreCorrupted(
            f"The database is damaged ({state}: {error}). Stop the service; run `solorun doctor` or restore a backup."
        )
    if isinstance(error, ZstdError | msgspec.MsgspecError):
        return StoreCorrupted(f"Stored records cannot be read: {error}. `solorun doctor` finds out which.")
    if reason := _UNAVAILABLE.get(state) or _UNAVAILABLE.get(state[:2]):
        return StoreUnavailable(f"The database is not available: {reason} ({state}).")
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError) and not state:
        return StoreUnavailable("The database is not available: there is no connection to the server.")
    return StoreFailure(f"The database refused the operation: {error}" + (f" ({state})." if state else "."))
