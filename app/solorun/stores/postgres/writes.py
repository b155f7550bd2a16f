"""The writes that PostgreSQL does in its own way. Functions for a connection's thread, each in one transaction."""

from collections.abc import Callable
from typing import TypeAlias, TypeVar

from solorun.stores.postgres.statements import OWN, Statements
from solorun.stores.sql.connection import Connection

T = TypeVar("T")
Function: TypeAlias = Callable[[Statements], T]

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


def prepare_in_turn(prepare: Callable[[], Function[T]]) -> Callable[[], Function[T]]:
    """`prepare`, with a lock at the beginning of what it returns: one transaction at a time starts and promotes runs.

    It also makes ids increase in the order of the starts.
    """

    def prepare_function() -> Function[T]:
        function = prepare()

        def execute(connection: Statements) -> T:
            connection.execute(OWN["wait_for_turn"])
            return function(connection)

        return execute

    return prepare_function


def reserve_run_ids(connection: Connection, last_id: int) -> bool:
    """Continue above `last_id`, unless a larger id is known. False if that was so already."""
    return connection.execute(OWN["reserve_run_ids"], {"last_id": last_id}).rowcount > 0


def write_without_effect(connection: Connection) -> None:
    """Insert into every table and index that a run uses, and roll back. Then commit a row with its own values."""
    connection.execute("SAVEPOINT probe")
    for statement in (_PROBE_RUN, _PROBE_STEP, _PROBE_SEGMENT):
        connection.execute(statement)
    connection.execute("ROLLBACK TO probe")
    connection.execute(OWN["rewrite_schema_version"])
