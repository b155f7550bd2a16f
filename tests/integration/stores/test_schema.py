"""Migrations: numbered, forward only, in one transaction."""

import asyncio
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace
from zstandard import ZstdCompressor

from solorun.errors import DatabaseUnusable
from solorun.record import Event
from solorun.status import Status
from solorun.store import LogQuery
from solorun.stores.sql.migrations import load_migrations
from solorun.stores.sqlite import SqliteRunStore
from solorun.stores.sqlite.connection import BEGIN_WRITE, in_transaction
from solorun.stores.sqlite.schema import MIGRATIONS, migrate
from solorun.wire.encoding import encode_records
from tests.contracts.builders import OWNER, new_run, read_page, records
from tests.integration.stores.conftest import OpenStore


@pytest.fixture
def old_database(data_dir: Path) -> Path:
    """A database of version 1 with a running run, whose third record has an event."""
    data_dir.mkdir()
    path = data_dir / "solorun.db"
    with_event = [replace(record, event=Event.PROGRESS, data={"current": 1}) for record in records(3, 3)]
    payload = ZstdCompressor().compress(encode_records([*records(1, 2), *with_event]))
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        migrate(raw, MIGRATIONS[:1])
        raw.execute(
            "INSERT INTO runs (project, scope, status, owner, triggered_by, params, created_at, started_at, last_seq,"
            " info_count) VALUES ('handbook', 'full', 'running', 'x', 'api', '{}', 0, 0, 3, 3)"
        )
        raw.execute(
            "INSERT INTO segments (run_id, first_seq, last_seq, debug_count, info_count, warning_count, error_count,"
            " payload_bytes, payload) VALUES (1, 1, 3, 0, 3, 0, 0, 10000, ?)",
            (payload,),
        )
    return path


def _version(path: Path) -> int:
    with closing(sqlite3.connect(path)) as raw:
        (version,) = raw.execute("PRAGMA user_version").fetchone()
    return int(version)


async def test_a_new_database_has_the_newest_version(store: SqliteRunStore, data_dir: Path) -> None:
    assert _version(data_dir / "solorun.db") == len(MIGRATIONS) > 0


async def test_a_database_of_a_newer_version_is_refused_unchanged(
    store: SqliteRunStore, open_store: OpenStore, data_dir: Path
) -> None:
    await store.close()
    with closing(sqlite3.connect(data_dir / "solorun.db")) as raw:
        raw.execute("PRAGMA user_version = 4711")

    with pytest.raises(DatabaseUnusable, match=r"newer version of Solorun.*4711"):
        await open_store()

    assert _version(data_dir / "solorun.db") == 4711


async def test_another_programs_database_is_refused(open_store: OpenStore, data_dir: Path) -> None:
    data_dir.mkdir()
    with closing(sqlite3.connect(data_dir / "solorun.db")) as raw:
        raw.execute("CREATE TABLE customers (name TEXT)")

    with pytest.raises(DatabaseUnusable, match="another program"):
        await open_store()


async def test_an_older_database_is_migrated_and_keeps_its_runs(old_database: Path, open_store: OpenStore) -> None:
    assert _version(old_database) == 1

    store = await open_store()

    assert (await store.get_run(1)).status is Status.RUNNING
    assert _version(old_database) == len(MIGRATIONS) > 1


def test_a_comment_in_a_migration_may_contain_a_semicolon() -> None:
    later = "ALTER TABLE runs ADD COLUMN later TEXT;\n-- a comment; with a semicolon\nCREATE INDEX x ON runs (later);\n"

    with closing(sqlite3.connect(":memory:", isolation_level=None)) as raw:
        migrate(raw, (*MIGRATIONS, later))

        assert raw.execute("SELECT 1 FROM sqlite_master WHERE name = 'x'").fetchone() == (1,)


def test_a_migration_that_fails_changes_nothing(old_database: Path) -> None:
    broken = "CREATE TABLE half (x);\nCREATE TABLE runs (x);\n"

    with closing(sqlite3.connect(old_database, isolation_level=None)) as raw:
        with pytest.raises(sqlite3.OperationalError, match="runs already exists"):
            in_transaction(raw, BEGIN_WRITE, lambda raw: migrate(raw, (*MIGRATIONS, broken)))

        assert raw.execute("SELECT 1 FROM sqlite_master WHERE name = 'half'").fetchone() is None
    assert _version(old_database) == 1


async def test_several_stores_can_create_a_database_simultaneously(open_store: OpenStore) -> None:
    stores = await asyncio.gather(*(open_store() for _ in range(4)))

    run = await stores[0].insert_run(new_run(), owner=OWNER)

    assert [await store.get_run(run.id) for store in stores] == [run] * 4


def test_migrations_are_numbered_without_a_gap(tmp_path: Path) -> None:
    (tmp_path / "0002_too_early.sql").write_text("")

    with pytest.raises(ValueError, match=r"0002_too_early\.sql should be migration number 0001"):
        load_migrations(tmp_path)


def test_migrating_twice_changes_nothing() -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as raw:
        migrate(raw)
        before = raw.execute("SELECT sql FROM sqlite_master").fetchall()

        migrate(raw)

        assert raw.execute("SELECT sql FROM sqlite_master").fetchall() == before


def test_the_unique_index_covers_exactly_the_active_statuses() -> None:
    (predicate,) = re.findall(r"CREATE UNIQUE INDEX .* ON runs \(project\) WHERE (.*);", MIGRATIONS[0])

    assert predicate == "status IN ('pending', 'running')"


async def test_events_are_found_in_segments_older_than_the_column_that_marks_them(
    old_database: Path, open_store: OpenStore
) -> None:
    store = await open_store()

    page = await read_page(store, 1, LogQuery(events=frozenset({Event.PROGRESS})))

    assert [record.seq for record in page.records] == [3]
    assert await store.check() == []
