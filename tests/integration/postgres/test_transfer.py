"""`transfer` copies an SQLite database into an empty PostgreSQL database, completely or not at all."""

import asyncio
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solorun.errors import DatabaseUnusable, StoreUnavailable
from solorun.notification import NewNotification, NotifyEvent
from solorun.store import Store
from solorun.stores.postgres import ParamCipher, PostgresRunStore
from solorun.stores.sqlite import SqliteRunStore
from solorun.stores.transfer import TransferFailed, transfer
from solorun.stores.transfer.source import open_source
from solorun.stores.transfer.target import Target
from tests.contracts.builders import NOW, OWNER, new_run, start
from tests.fakes.full_store import fill, read_everything
from tests.fakes.postgres import SECRET_KEY, fresh_schema
from tests.fakes.stores import opening_stores
from tests.integration.postgres.conftest import CUT_ALL, OpenLease

CIPHER = ParamCipher(SECRET_KEY)
OF_POSTGRES = {"owners", "solorun_schema"}
"""Tables that only PostgreSQL has. They describe services that use the database, not runs."""
LIST_COLUMNS = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema()"
COUNT_TABLES = "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = current_schema()"


def fill_database(directory: Path, *texts: str) -> Path:
    async def fill_store() -> None:
        async with opening_stores(SqliteRunStore.open) as open_store:
            await fill(await open_store(data_dir=directory), *filter(None, [texts]))

    asyncio.run(fill_store())
    return directory / "solorun.db"


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill_database(tmp_path_factory.mktemp("filled"))


@pytest.fixture
def database(filled: Path, tmp_path: Path) -> Path:
    """A database with rows of every kind."""
    return Path(shutil.copy(filled, tmp_path / "solorun.db"))


@pytest.fixture
def target(database_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


async def read_both(database: Path, url: str) -> tuple[object, object]:
    original = await SqliteRunStore.open(database.parent)
    copy = await PostgresRunStore.open(url, CIPHER)
    try:
        return await read_everything(original), await read_everything(copy)
    finally:
        await original.close()
        await copy.close()


def count_tables(target: psycopg.Connection) -> int:
    row = target.execute(COUNT_TABLES).fetchone()
    assert row is not None
    return int(row[0])


def change(database: Path, sql: str) -> None:
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.executescript(sql)


# -- the copy


def test_everything_reads_the_same_from_the_copy(database: Path, database_url: str) -> None:
    tables = transfer(database, database_url, CIPHER)

    expected, found = asyncio.run(read_both(database, database_url))
    assert found == expected
    assert [table.name for table in tables if not table.row_count] == []


@settings(max_examples=4)
@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), min_size=4))
def test_any_text_reads_the_same_from_the_copy(
    postgres_url: str, tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    database = fill_database(tmp_path_factory.mktemp("texts"), *texts)

    with fresh_schema(postgres_url) as url:
        transfer(database, url, CIPHER)
        expected, found = asyncio.run(read_both(database, url))

    assert found == expected


def test_postgresql_has_every_table_and_column_of_sqlite_and_no_other_runs(
    database: Path, store: PostgresRunStore, target: psycopg.Connection
) -> None:
    with open_source(database) as source:
        columns = {(table.name, column) for table in source.list_tables() for column in table.columns}

    present = {(table, column) for table, column in target.execute(LIST_COLUMNS) if table not in OF_POSTGRES}

    assert present == columns


async def test_new_rows_get_ids_above_all_that_were_given_out(database: Path, database_url: str) -> None:
    await asyncio.to_thread(transfer, database, database_url, CIPHER)
    news = NewNotification(NotifyEvent.LATE, "handbook", "late again", NOW)

    async def insert(store: Store) -> tuple[int, int]:
        run = await store.insert_run(new_run("another"), owner=OWNER)
        (delivery,) = await store.add_notification(news, ["ops"])
        return run.id, delivery.id

    original, copy = await SqliteRunStore.open(database.parent), await PostgresRunStore.open(database_url, CIPHER)
    last_id = await original.find_last_run_id()
    ids = [await insert(store) for store in (original, copy)]
    await original.close()
    await copy.close()

    assert ids[0] == ids[1]
    assert ids[1][0] == last_id + 1


async def test_the_last_id_may_be_that_of_a_deleted_run(tmp_path: Path, database_url: str) -> None:
    original = await SqliteRunStore.open(tmp_path)
    await original.reserve_run_ids(4711)
    await original.close()

    await asyncio.to_thread(transfer, tmp_path / "solorun.db", database_url, CIPHER)

    copy = await PostgresRunStore.open(database_url, CIPHER)
    run = await copy.insert_run(new_run(), owner=OWNER)
    await copy.close()
    assert run.id == 4712


async def test_the_queue_goes_on_with_its_secrets(database: Path, database_url: str) -> None:
    await asyncio.to_thread(transfer, database, database_url, CIPHER)
    copy = await PostgresRunStore.open(database_url, CIPHER)

    (promoted,) = await copy.claim_runs(owner=OWNER)

    secrets = await copy.read_unmasked_params(promoted.id)
    holds = await copy.list_holds()
    await copy.close()
    with psycopg.connect(database_url) as connection:
        stored = connection.execute("SELECT params FROM unmasked_params").fetchall()
    assert secrets["secret"]
    assert str(secrets["secret"]) not in str(stored)
    assert [(hold.run_id, hold.slot) for hold in holds] == [(promoted.id, 0), (promoted.id, 1)]


async def test_nul_in_text_becomes_the_replacement_character(tmp_path: Path, database_url: str) -> None:
    original = await SqliteRunStore.open(tmp_path)
    await original.insert_run(replace(new_run(), triggered_by="a\0b"), owner="")
    await original.close()
    change(tmp_path / "solorun.db", "UPDATE runs SET owner = NULL")

    await asyncio.to_thread(transfer, tmp_path / "solorun.db", database_url, CIPHER)

    copy = await PostgresRunStore.open(database_url, CIPHER)
    (run,) = await copy.list_runs()
    await copy.close()
    assert run.triggered_by == "a\ufffdb"


def test_the_original_is_only_read(database: Path, database_url: str) -> None:
    change(database, "PRAGMA journal_mode = WAL")
    with closing(sqlite3.connect(database)) as writer:
        writer.execute("UPDATE runs SET scope = 'in the write-ahead log' WHERE id = 1")
        writer.commit()
        # As a service leaves its files when it is killed.
        killed = database.parent / "killed"
        killed.mkdir()
        for file in database.parent.glob("solorun.db*"):
            shutil.copy(file, killed)
    names = ("solorun.db", "solorun.db-wal")
    before = [(killed / name).read_bytes() for name in names]

    transfer(killed / "solorun.db", database_url, CIPHER)

    assert [(killed / name).read_bytes() for name in names] == before
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT scope FROM runs WHERE id = 1").fetchone() == ("in the write-ahead log",)


def test_a_dry_run_counts_and_writes_nothing(database: Path, database_url: str, target: psycopg.Connection) -> None:
    tables = transfer(database, database_url, CIPHER, dry_run=True)

    assert {table.name: table.row_count for table in tables}["hook_deliveries"] > 1
    assert count_tables(target) == 0


def test_the_tables_of_other_programs_are_left_out(database: Path, database_url: str) -> None:
    change(database, 'CREATE TABLE "x; DROP TABLE runs" (id INTEGER); INSERT INTO "x; DROP TABLE runs" VALUES (1)')

    tables = transfer(database, database_url, CIPHER)

    assert "runs" in {table.name for table in tables}
    assert not any("DROP" in table.name for table in tables)


# -- refusals


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


# -- crashes

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
        ("digest.Digest", "add", 20, False),
        ("digest.Digest", "add", 200, False),
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
