"""Puts a checked copy of a backup in the place of the database. Only while no service is running."""

import asyncio
import logging
import os
import secrets
import shutil
from pathlib import Path
from typing import Final

from solorun.errors import DatabaseUnusable, StoreFailure, StoreUnavailable
from solorun.store import Finding
from solorun.stores.sqlite.store import FILE_NAME, SqliteRunStore

_MAGIC: Final = b"SQLite format 3\0"
_USER_VERSION: Final = slice(60, 64)
"""Where the header of a database has the number of its last migration, which is 0 in a new one."""

_logger = logging.getLogger("solorun.stores")


async def check_copy(directory: Path, *, name: Path) -> list[Finding]:
    """What the doctor finds in the copy in `directory`. Raises DatabaseUnusable, which calls it `name`."""
    await asyncio.to_thread(_check_header, directory / FILE_NAME, name)
    store = await SqliteRunStore.open(directory)
    try:
        return await store.check()
    finally:
        await store.close()


async def restore(backup: Path, directory: Path, *, last_id: int) -> list[Finding]:
    """Replace the database in `directory` with `backup`, unless the doctor finds problems in it, which are returned.

    Ids of new runs continue above `last_id`, and above those of the replaced database. The replacement is one rename:
    if this is interrupted, the database is the old one or the new one. Raises DatabaseUnusable, OSError.
    """
    unfinished = directory / f".restore-{secrets.token_hex(8)}"
    unfinished.mkdir(mode=0o700)
    try:
        await asyncio.to_thread(shutil.copyfile, backup, unfinished / FILE_NAME)
        if findings := await check_copy(unfinished, name=backup):
            return findings
        copy = await SqliteRunStore.open(unfinished)
        try:
            await copy.reserve_run_ids(max(last_id, await _find_last_run_id(directory)))
        finally:
            await copy.close()
        await asyncio.to_thread(_replace, directory / FILE_NAME, unfinished / FILE_NAME)
        return []
    finally:
        shutil.rmtree(unfinished)


def _check_header(copy: Path, name: Path) -> None:
    """An empty file would pass for a new database."""
    with copy.open("rb") as file:
        header = file.read(100)
    if not header.startswith(_MAGIC) or not int.from_bytes(header[_USER_VERSION]):
        raise DatabaseUnusable(f"{name} is not a backup of Solorun.")


async def _find_last_run_id(directory: Path) -> int:
    """The largest id in the database that is replaced, which is left without a write-ahead log."""
    if not (directory / FILE_NAME).exists():
        return 0
    try:
        store = await SqliteRunStore.open(directory)
        try:
            return await store.find_last_run_id()
        finally:
            await store.close()
    except (DatabaseUnusable, StoreFailure, StoreUnavailable) as error:
        _logger.warning("The ids of the old database are unknown, so new runs may repeat them: %s", error.message)
        return 0


def _replace(database: Path, copy: Path) -> None:
    with copy.open("rb") as file:
        os.fsync(file.fileno())
    # SQLite would read the old log into the new database.
    for suffix in ("-wal", "-shm"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)
    copy.replace(database)
    descriptor = os.open(database.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
