"""The writes that PostgreSQL does in its own way. Functions for a connection's thread, each in one transaction."""

from solorun.errors import RunActive
from solorun.run import Run
from solorun.store import NewRun
from solorun.stores.postgres.statements import OWN
from solorun.stores.sql import reads, writes
from solorun.stores.sql.connection import Connection

_PROBE_RUN = """
INSERT INTO runs (id, project, scope, status, owner, triggered_by, params, created_at)
VALUES (-1, '', '', 'pending', '', '', '{}', 0)
"""
_PROBE_STEP = "INSERT INTO steps (run_id, position, name, status) VALUES (-1, 0, '', 'pending')"
_PROBE_SEGMENT = """
INSERT INTO segments (id, run_id, first_seq, last_seq, debug_count, info_count, warning_count, error_count,
    payload_bytes, payload)
VALUES (-1, -1, 1, 1, 0, 0, 0, 0, 0, '')
"""


def insert_run(connection: Connection, new: NewRun, owner: str) -> Run:
    """Raises RunActive. A sequence alone would give an id to each refused start, and ids out of order."""
    connection.execute(OWN["lock_project"], {"project": new.project})
    if active := reads.find_run(connection, "select_active_run", {"project": new.project}):
        raise RunActive(active)
    return writes.insert_run(connection, new, owner)


def reserve_run_ids(connection: Connection, last_id: int) -> bool:
    """Continue above `last_id`, unless a larger id is known. False if that was so already."""
    return connection.execute(OWN["reserve_run_ids"], {"last_id": last_id}).rowcount > 0


def renew_leases(connection: Connection, owner: str) -> None:
    connection.execute(OWN["renew_leases"], {"owner": owner})


def expire_leases(connection: Connection, owner: str) -> None:
    connection.execute(OWN["expire_leases"], {"owner": owner})


def write_without_effect(connection: Connection) -> None:
    """Insert into every table and index that a run uses, and roll back. Then commit a row with its own values."""
    connection.execute("SAVEPOINT probe")
    for statement in (_PROBE_RUN, _PROBE_STEP, _PROBE_SEGMENT):
        connection.execute(statement)
    connection.execute("ROLLBACK TO probe")
    connection.execute(OWN["rewrite_schema_version"])
