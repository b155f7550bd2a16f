"""Where SQLite keeps the last id that AUTOINCREMENT has given out: a table that only SQLite has."""

import sqlite3
from typing import Final

from solorun.stores.sql.connection import Connection

_FIND_LAST_ID: Final = "SELECT MAX(seq) FROM sqlite_sequence WHERE name = 'runs'"
_FORGET_SMALLER_ID: Final = "DELETE FROM sqlite_sequence WHERE name = 'runs' AND seq < :last_id"
_CONTINUE_ABOVE: Final = """
INSERT INTO sqlite_sequence (name, seq)
SELECT 'runs', :last_id WHERE :last_id > 0 AND NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'runs')
"""


def reserve_run_ids(connection: Connection, last_id: int) -> bool:
    """Continue above `last_id`, unless a larger id is known. False if that was so already."""
    values = {"last_id": last_id}
    connection.execute(_FORGET_SMALLER_ID, values)
    return connection.execute(_CONTINUE_ABOVE, values).rowcount > 0


def find_last_run_id(connection: sqlite3.Connection) -> int:
    """0 if no id was given out."""
    ((last_id,),) = connection.execute(_FIND_LAST_ID).fetchall()
    return int(last_id or 0)
