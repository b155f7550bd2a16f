"""A write that changes nothing, but shows whether the database can be written."""

import sqlite3
from typing import Final

_RUN: Final = (
    "INSERT INTO runs (project, scope, status, owner, triggered_by, params, created_at)"
    " VALUES ('', '', 'pending', '', '', '{}', 0)"
)
_STEP: Final = "INSERT INTO steps (run_id, position, name, status) VALUES (?, 0, '', 'pending')"
_SEGMENT: Final = (
    "INSERT INTO segments (run_id, first_seq, last_seq, debug_count, info_count, warning_count, error_count,"
    " payload_bytes, payload) VALUES (?, 1, 1, 0, 0, 0, 0, 0, x'')"
)


def write_without_effect(connection: sqlite3.Connection) -> None:
    """Insert into every table and index that a run uses, and roll back. Then rewrite `user_version` with its own value:
    that writes and syncs a page, which an empty transaction would not do.
    """
    connection.execute("SAVEPOINT probe").close()
    run_id = connection.execute(_RUN).lastrowid
    connection.execute(_STEP, (run_id,)).close()
    connection.execute(_SEGMENT, (run_id,)).close()
    connection.execute("ROLLBACK TO probe").close()
    connection.execute("RELEASE probe").close()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    connection.execute(f"PRAGMA user_version = {version}").close()
