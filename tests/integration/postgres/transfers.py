"""An SQLite database to transfer, and what the target has."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from solorun.stores.postgres import ParamCipher, PostgresRunStore
from solorun.stores.sqlite import SqliteRunStore
from tests.fakes.full_store import fill, read_everything
from tests.fakes.postgres import SECRET_KEY
from tests.fakes.stores import opening_stores

CIPHER = ParamCipher(SECRET_KEY)


def fill_database(directory: Path, *texts: str) -> Path:
    async def fill_store() -> None:
        async with opening_stores(SqliteRunStore.open) as open_store:
            await fill(await open_store(data_dir=directory), *filter(None, [texts]))

    asyncio.run(fill_store())
    return directory / "solorun.db"


async def read_both(database: Path, url: str) -> tuple[object, object]:
    original = await SqliteRunStore.open(database.parent)
    copy = await PostgresRunStore.open(url, CIPHER)
    try:
        return await read_everything(original), await read_everything(copy)
    finally:
        await original.close()
        await copy.close()


def change(database: Path, sql: str) -> None:
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.executescript(sql)
