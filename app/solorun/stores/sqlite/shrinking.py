"""Makes the database's file smaller after deletions, a little at a time."""

from typing import Final

from solorun.stores.sql.connection import Connection

SHRINK_PAGES: Final = 128
"""What one transaction gives back, in pages of 4 KiB: it moves as many from the end of the file into unused ones."""
_KEPT_SHARE: Final = 0.05
"""The part of the file that may stay unused, for the next runs."""


def shrink(connection: Connection) -> bool:
    """Give some unused pages back to the file system, in the transaction that is open. True if there are more.

    Does nothing for a database that was created without `auto_vacuum`: its unused pages are used again, but stay.
    """
    if not _read(connection, "auto_vacuum"):
        return False
    excess = _read(connection, "freelist_count") - int(_KEPT_SHARE * _read(connection, "page_count")) - SHRINK_PAGES
    if excess <= 0:
        return False
    for _ in range(SHRINK_PAGES):
        # The statement gives back a page in each step, and execute() takes one step.
        connection.execute("PRAGMA incremental_vacuum(1)").close()
    return excess > SHRINK_PAGES


def _read(connection: Connection, pragma: str) -> int:
    (value,) = connection.execute(f"PRAGMA {pragma}").fetchone()
    return int(value)
