"""A PostgreSQL database is not copied by Solorun."""

import pytest

from solorun.errors import BackupUnavailable
from solorun.stores.postgres import PostgresRunStore


async def test_a_backup_refers_to_postgresqls_own_tools(store: PostgresRunStore) -> None:
    with pytest.raises(BackupUnavailable, match="pg_dump"):
        await store.open_backup()
