"""Copies the database while it is in use. The copy is complete, except for the secrets of runs that have not begun."""

import asyncio
import os
import secrets
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from solorun.errors import BackupUnavailable
from solorun.run import Cancel
from solorun.stores.sql.promotion import promote
from solorun.stores.sql.queries import QUERIES
from solorun.stores.sql.rows import cancel_values, to_microseconds
from solorun.stores.sqlite.connection import BEGIN_WRITE, Connection, in_transaction

_PREFIX: Final = "solorun.db.backup-"
_MAX_RESERVE_BYTES: Final = 256 * 1024 * 1024
"""What a copy leaves free of a large disk: twice what logs do, so that they go on."""

# A journal would be another copy of the secrets, and a copy that fails is thrown away.
_COPY_PRAGMAS: Final = ("journal_mode = OFF", "synchronous = OFF", "secure_delete = ON")


async def open_copy(database: Path) -> int:
    """The descriptor of a copy, which contains every transaction committed so far. Its file has no name any more.

    The reader that copies delays no writer. Raises BackupUnavailable if the disk has too little space, and what a read
    raises.
    """
    _check_space(database)
    target = database.with_name(_PREFIX + secrets.token_hex(8))
    source = Connection.copier(database)
    try:
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        await source.open()
        await source.execute(lambda connection: connection.execute("VACUUM INTO ?", (str(target),)).close())
        await asyncio.to_thread(_erase_secrets, target)
        return os.open(target, os.O_RDONLY)
    finally:
        # The thread completes a copy even if the caller is cancelled.
        await source.close()
        target.unlink(missing_ok=True)


def delete_unfinished_copies(database: Path) -> None:
    """Delete what a service left that was killed while it copied."""
    for file in database.parent.glob(f"{_PREFIX}*"):
        file.unlink(missing_ok=True)


def _check_space(database: Path) -> None:
    files = (database, database.with_name(f"{database.name}-wal"))
    size = sum(file.stat().st_size for file in files if file.exists())
    total, _, free = shutil.disk_usage(database.parent)
    if free - size < min(_MAX_RESERVE_BYTES, total // 10):
        raise BackupUnavailable(
            f"The disk of the data directory has too little space for a copy of the database: {free // 2**20} MiB are"
            f" free, and the copy takes up to {size // 2**20 + 1} MiB."
        )


def _erase_secrets(copy: Path) -> None:
    with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        for pragma in _COPY_PRAGMAS:
            connection.execute(f"PRAGMA {pragma}").close()
        in_transaction(connection, BEGIN_WRITE, _forget_secrets)


def _forget_secrets(connection: sqlite3.Connection) -> None:
    """Without its secrets, a run must not begin: cancel it, unless it is being executed already."""
    cancel = Cancel(datetime.now(UTC), "backup", "its secret parameters are not in the backup")
    for run_id, _ in connection.execute(QUERIES["list_unmasked_params"]).fetchall():
        values = cancel_values(run_id, cancel)
        if connection.execute(QUERIES["cancel_queued_run"], values).rowcount:
            connection.execute(QUERIES["finalize_pending_steps"], values)
    connection.execute(QUERIES["delete_unmasked_params"])
    connection.execute("DELETE FROM sessions")  # a backup must not reopen what a logout has ended
    promote(connection, to_microseconds(cancel.requested_at))
