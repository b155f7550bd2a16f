"""`transfer` copies an SQLite database into an empty PostgreSQL database, completely or not at all."""

import asyncio
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solorun.notification import NewNotification, NotifyEvent
from solorun.store import Store
from solorun.stores.postgres import PostgresRunStore
from solorun.stores.sqlite import SqliteRunStore
from solorun.stores.transfer import transfer
from solorun.stores.transfer.source import open_source
from tests.contracts.builders import NOW, OWNER, new_run
from tests.fakes.postgres import fresh_schema
from tests.integration.postgres.transfers import CIPHER, change, fill_database, read_both

OF_POSTGRES = {"owners", "solorun_schema"}


LIST_COLUMNS = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema()"


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
