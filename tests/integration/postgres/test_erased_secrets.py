"""A secret parameter is in no file of PostgreSQL: neither in a deleted row, nor in the write-ahead log."""

from solorun.run import Cancel
from solorun.stores.postgres import PostgresRunStore
from tests.contracts.builders import NOW
from tests.fakes.postgres import search_server_files
from tests.integration.postgres.secret_params import SECRETS, queue_with_secrets


async def test_no_file_contains_a_secret_of_a_queued_run(store: PostgresRunStore, database_url: str) -> None:
    queued = await queue_with_secrets(store)
    assert await store.read_unmasked_params(queued.id) == SECRETS
    while_queued = search_server_files(database_url, str(SECRETS["token"]))

    await store.request_cancel(queued.id, Cancel(NOW, "api"))

    assert await store.read_unmasked_params(queued.id) == {}
    assert (while_queued, search_server_files(database_url, str(SECRETS["token"]))) == ([], [])
    assert search_server_files(database_url, queued.triggered_by) != []
