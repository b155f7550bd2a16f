"""A secret parameter is in no file of PostgreSQL: neither in a deleted row, nor in the write-ahead log."""

from pathlib import Path

import psycopg

from solorun.stores.postgres import PostgresRunStore
from tests.contracts.builders import NOW
from tests.integration.postgres.secret_params import SECRETS, queue_with_secrets


async def test_no_file_contains_a_secret_of_a_queued_run(store: PostgresRunStore, foreign: psycopg.Connection) -> None:
    queued = await queue_with_secrets(store)
    assert await store.read_unmasked_params(queued.id) == SECRETS
    while_queued = search_files(foreign, str(SECRETS["token"]))

    await store.request_cancel(queued.id, requested_by="api", reason="", at=NOW)

    assert await store.read_unmasked_params(queued.id) == {}
    assert (while_queued, search_files(foreign, str(SECRETS["token"]))) == ([], [])
    assert search_files(foreign, queued.triggered_by) != []


def search_files(connection: psycopg.Connection, text: str) -> list[Path]:
    """The server's files that contain the text, once it has written everything to them."""
    connection.execute("CHECKPOINT")
    row = connection.execute("SHOW data_directory").fetchone()
    assert row is not None
    files = [path for path in Path(row[0]).rglob("*") if path.is_file()]
    return [path for path in files if text.encode() in path.read_bytes()]
