"""The writes that PostgreSQL does in its own way. Functions for a connection's thread, each in one transaction."""

from collections.abc import Callable
from typing import TypeAlias, TypeVar

from solorun.stores.postgres.statements import OWN, Statements
from solorun.stores.sql.connection import Connection
from solorun.stores.sql.probe import insert_and_undo

T = TypeVar("T")
Function: TypeAlias = Callable[[Statements], T]


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
    """Also commits a row with its own values."""
    insert_and_undo(connection)
    connection.execute(OWN["rewrite_schema_version"])
