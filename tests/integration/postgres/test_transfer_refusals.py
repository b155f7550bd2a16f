"""A database that cannot be transferred is refused, and a transfer that breaks off leaves nothing."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from solorun.errors import DatabaseUnusable, StoreUnavailable
from solorun.stores.postgres import PostgresRunStore
from solorun.stores.transfer import TransferFailed, transfer
from solorun.stores.transfer.target import Target
from tests.contracts.builders import OWNER, new_run, start
from tests.fakes.postgres import SECRET_KEY
from tests.integration.postgres.conftest import CUT_ALL, OpenLease
from tests.integration.postgres.transfers import CIPHER, change, read_both

COUNT_TABLES = "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = current_schema()"


def count_tables(target: psycopg.Connection) -> int:
    row = target.execute(COUNT_TABLES).fetchone()
    assert row is not None
    return int(row[0])


def test_a_dry_run_counts_and_writes_nothing(database: Path, database_url: str, target: psycopg.Connection) -> None:
    tables = transfer(database, database_url, CIPHER, dry_run=True)

    assert {table.name: table.row_count for table in tables}["hook_deliveries"] > 1
    assert count_tables(target) == 0


def test_the_tables_of_other_programs_are_left_out(database: Path, database_url: str) -> None:
    change(database, 'CREATE TABLE "x; DROP TABLE runs" (id INTEGER); INSERT INTO "x; DROP TABLE runs" VALUES (1)')

    tables = transfer(database, database_url, CIPHER)

    assert "runs" in {table.name for table in tables}
    assert not any("DROP" in table.name for table in tables)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("PRAGMA user_version = 9999", "newer version"),
        ("PRAGMA user_version = 12", "older version .* `solorun doctor` first"),
        ("PRAGMA user_version = 0", "not a database of Solorun"),
        ("PRAGMA foreign_keys = OFF; DELETE FROM runs WHERE id = 1", "(?s)violates foreign key.*`solorun doctor`"),
        ("DROP TABLE hook_deliveries", "no such table.* `solorun doctor`"),
        ("UPDATE runs SET progress_total = 'many' WHERE id = 1", "Nothing was migrated"),
        ("UPDATE runs SET params = X'FF' WHERE id = 1", "Nothing was migrated"),
    ],
)
def test_a_database_that_cannot_be_copied_as_it_is_is_refused(
    database: Path, database_url: str, target: psycopg.Connection, damage: str, message: str
) -> None:
    change(database, damage)

    with pytest.raises(DatabaseUnusable, match=message):
        transfer(database, database_url, CIPHER)

    assert count_tables(target) == 0


@pytest.mark.parametrize("content", [b"", b"no database" * 1000])
def test_a_file_that_is_no_database_is_refused(database: Path, database_url: str, content: bytes) -> None:
    database.write_bytes(content)

    with pytest.raises(DatabaseUnusable, match=r"is not a database of Solorun|file is not a database"):
        transfer(database, database_url, CIPHER)


def test_a_copy_in_which_the_doctor_finds_problems_is_rolled_back(
    database: Path, database_url: str, target: psycopg.Connection
) -> None:
    change(database, "UPDATE runs SET finished_at = NULL WHERE id = 2")

    with pytest.raises(TransferFailed) as failed:
        transfer(database, database_url, CIPHER)

    assert [finding.run_id for finding in failed.value.findings] == [2]
    assert count_tables(target) == 0


def test_a_copy_that_differs_is_rolled_back(
    database: Path, database_url: str, target: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("solorun.stores.transfer.target.Target.continue_ids", lambda target, *_: spoil(target))

    def spoil(target: object) -> None:
        target._connection.execute("UPDATE steps SET exit_code = 0 WHERE run_id = 2 AND position = 0")  # type: ignore[attr-defined]

    with pytest.raises(DatabaseUnusable, match="The copy of the table steps differs"):
        transfer(database, database_url, CIPHER)

    assert count_tables(target) == 0


async def test_a_database_with_runs_is_refused_and_keeps_them(
    database: Path, store: PostgresRunStore, database_url: str
) -> None:
    run = await start(store)

    with pytest.raises(DatabaseUnusable, match="not empty: it has rows in runs, steps"):
        await asyncio.to_thread(transfer, database, database_url, CIPHER)

    assert await store.list_runs() == [run]


async def test_a_second_transfer_is_refused(database: Path, database_url: str) -> None:
    transfer(database, database_url, CIPHER)

    with pytest.raises(DatabaseUnusable, match="not empty"):
        transfer(database, database_url, CIPHER)


def test_a_database_that_a_service_uses_is_refused(
    database: Path, database_url: str, store: PostgresRunStore, open_lease: OpenLease
) -> None:
    open_lease("a service").renew()

    with pytest.raises(DatabaseUnusable, match="A service is using the target database"):
        transfer(database, database_url, CIPHER)


def test_a_database_of_a_newer_version_is_refused(
    database: Path, database_url: str, store: PostgresRunStore, target: psycopg.Connection
) -> None:
    target.execute("UPDATE solorun_schema SET version = version + 1")

    with pytest.raises(DatabaseUnusable, match="A newer version of Solorun has used the target database"):
        transfer(database, database_url, CIPHER)


async def test_ids_that_the_empty_database_has_given_out_are_not_used_again(
    database: Path, database_url: str, store: PostgresRunStore
) -> None:
    await store.reserve_run_ids(4711)

    await asyncio.to_thread(transfer, database, database_url, CIPHER)

    assert (await store.insert_run(new_run("another"), owner=OWNER)).id == 4712


def test_tables_without_rows_are_filled(database: Path, database_url: str, store: PostgresRunStore) -> None:
    transfer(database, database_url, CIPHER)

    expected, found = asyncio.run(read_both(database, database_url))
    assert found == expected


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("postgresql://solorun:hunter2@127.0.0.1:1/solorun", DatabaseUnusable),
        ("postgresql://solorun:hunter2%zz@127.0.0.1/solorun", DatabaseUnusable),
        ("postgresql://127.0.0.1/solorun?passwort=hunter2", DatabaseUnusable),
    ],
)
def test_no_error_contains_the_password(database: Path, url: str, error: type[Exception]) -> None:
    with pytest.raises(error) as refused:
        transfer(database, url, CIPHER)

    assert "hunter2" not in str(refused.value)


def test_a_server_that_goes_away_leaves_nothing(database: Path, database_url: str, target: psycopg.Connection) -> None:
    def cut(activity: str, *_: object) -> None:
        target.execute(CUT_ALL)

    with pytest.raises(StoreUnavailable):
        transfer(database, database_url, CIPHER, report=cut)

    assert count_tables(target) == 0


def test_a_connection_that_is_lost_during_the_commit_leaves_the_result_open(
    database: Path, database_url: str, target: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = Target.commit

    def cut_and_commit(this: Target) -> None:
        target.execute(CUT_ALL)
        commit(this)

    monkeypatch.setattr(Target, "commit", cut_and_commit)

    with pytest.raises(StoreUnavailable, match="complete or absent"):
        transfer(database, database_url, CIPHER)


KILLED = """
import os, signal, sys
from pathlib import Path
from solorun.stores.postgres import ParamCipher
from solorun.stores.transfer import transfer
from solorun.stores.transfer.{module} import {cls}

method, database, url, left = sys.argv[1:]
original, left = getattr({cls}, method), int(left)


def kill_self():
    os.kill(os.getpid(), signal.SIGKILL)


def wrapped(*arguments):
    global left
    left -= 1
    if left == 0:
        kill_self()
    result = original(*arguments)
    if left < 0:
        kill_self()
    return result


setattr({cls}, method, wrapped)
transfer(Path(database), url, ParamCipher("{key}"))
"""


@pytest.mark.parametrize(
    ("module", "method", "call", "is_complete"),
    [
        ("transfer._Digest", "add", 20, False),
        ("transfer._Digest", "add", 200, False),
        ("target.Target", "check", 1, False),
        ("target.Target", "commit", 1, False),
        ("target.Target", "commit", 0, True),
    ],
)
def test_a_killed_transfer_leaves_the_database_empty_or_complete(
    database: Path,
    database_url: str,
    target: psycopg.Connection,
    module: str,
    method: str,
    call: int,
    is_complete: bool,
) -> None:
    module, _, cls = module.partition(".")
    before = database.read_bytes()

    program = [sys.executable, "-c", KILLED.format(key=SECRET_KEY, module=module, cls=cls)]
    killed = subprocess.run([*program, method, str(database), database_url, str(call)], check=False)

    assert killed.returncode == -signal.SIGKILL
    assert database.read_bytes() == before
    if is_complete:
        expected, found = asyncio.run(read_both(database, database_url))
        assert found == expected
    else:
        transfer(database, database_url, CIPHER)
