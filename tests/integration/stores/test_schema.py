"""Migrations: numbered, forward only, in one transaction."""

import asyncio
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from solorun.errors import DatabaseUnusable
from solorun.record import Event
from solorun.store import LogQuery
from solorun.stores.sqlite import SqliteRunStore, writes
from solorun.stores.sqlite import schema as schema_module
from solorun.stores.sqlite.queries import QUERIES
from solorun.stores.sqlite.schema import MIGRATIONS, migrate
from tests.contracts.builders import OWNER, batch_of, new_run, records, start
from tests.integration.stores.conftest import OpenStore


def _version(path: Path) -> int:
    with closing(sqlite3.connect(path)) as raw:
        (version,) = raw.execute("PRAGMA user_version").fetchone()
    return int(version)


async def test_a_new_database_has_the_newest_version(store: SqliteRunStore, data_dir: Path) -> None:
    assert _version(data_dir / "solorun.db") == len(MIGRATIONS) > 0


async def test_a_database_of_a_newer_version_is_refused_and_left_alone(
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


async def test_an_older_database_is_brought_forward_and_keeps_its_runs(
    store: SqliteRunStore, open_store: OpenStore, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await start(store)
    await store.close()
    later = "ALTER TABLE runs ADD COLUMN later TEXT;\n-- a comment; with a semicolon\nCREATE INDEX x ON runs (later);\n"
    monkeypatch.setattr(schema_module, "MIGRATIONS", (*MIGRATIONS, later))

    again = await open_store()

    assert await again.get_run(run.id) == run
    assert _version(data_dir / "solorun.db") == len(MIGRATIONS) + 1


async def test_a_migration_that_fails_leaves_the_database_as_it_was(
    store: SqliteRunStore, open_store: OpenStore, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.close()
    broken = "CREATE TABLE half (x);\nCREATE TABLE runs (x);\n"
    monkeypatch.setattr(schema_module, "MIGRATIONS", (*MIGRATIONS, broken))

    with pytest.raises(DatabaseUnusable, match="runs already exists"):
        await open_store()

    assert _version(data_dir / "solorun.db") == len(MIGRATIONS)
    with closing(sqlite3.connect(data_dir / "solorun.db")) as raw:
        assert raw.execute("SELECT 1 FROM sqlite_master WHERE name = 'half'").fetchone() is None


async def test_stores_that_open_a_new_database_at_once_all_succeed(open_store: OpenStore) -> None:
    stores = await asyncio.gather(*(open_store() for _ in range(4)))

    run = await stores[0].insert_run(new_run(), owner=OWNER)

    assert [await store.get_run(run.id) for store in stores] == [run] * 4


def test_migrations_are_numbered_without_a_gap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "migrations").mkdir()
    (tmp_path / "migrations" / "0002_too_early.sql").write_text("")
    monkeypatch.setattr(schema_module, "files", lambda package: tmp_path)

    with pytest.raises(ValueError, match=r"0002_too_early\.sql should be migration number 0001"):
        schema_module._load_migrations()


def test_migrating_twice_changes_nothing() -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as raw:
        migrate(raw)
        before = raw.execute("SELECT sql FROM sqlite_master").fetchall()

        migrate(raw)

        assert raw.execute("SELECT sql FROM sqlite_master").fetchall() == before


def test_the_index_that_excludes_speaks_of_the_active_statuses() -> None:
    (predicate,) = re.findall(r"CREATE UNIQUE INDEX .* ON runs \(project\) WHERE (.*);", MIGRATIONS[0])

    assert predicate == "status IN ('pending', 'running')"


async def test_of_segments_from_before_it_is_not_known_whether_they_tell_events(
    open_store: OpenStore, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old_insert = re.sub(r"\s*:?has_events,", "", QUERIES["insert_segment"])
    with monkeypatch.context() as before:
        before.setattr(schema_module, "MIGRATIONS", MIGRATIONS[:1])
        before.setattr(writes, "QUERIES", {**QUERIES, "insert_segment": old_insert})
        store = await open_store()
        run = await start(store)
        telling = [replace(record, event=Event.PROGRESS, data={"current": 1}) for record in records(3, 3)]
        await store.commit([batch_of(run, [*records(1, 2), *telling])], owner=OWNER)
        await store.close()

    again = await open_store()

    page = await again.read_log(run.id, LogQuery(events=frozenset({Event.PROGRESS})))
    assert [record.seq for record in page.records] == [3]
    assert await again.check() == []
