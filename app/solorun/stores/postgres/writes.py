"""The writes that PostgreSQL does in its own way. Functions for a connection's thread, each in one transaction."""

from solorun.stores.postgres.statements import OWN
from solorun.stores.sql.connection import Connection
from solorun.stores.sql.probe import insert_and_undo


def reserve_run_ids(connection: Connection, last_id: int) -> bool:
    """Continue above `last_id`, unless a larger id is known. False if that was so already."""
    return connection.execute(OWN["reserve_run_ids"], {"last_id": last_id}).rowcount > 0


def write_without_effect(connection: Connection) -> None:
    """Also commits a row with its own values."""
    insert_and_undo(connection)
    connection.execute(OWN["rewrite_schema_version"])
