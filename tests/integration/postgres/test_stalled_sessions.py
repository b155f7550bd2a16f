"""A process that stands still within a transaction holds up no other for long, and stops none."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from pathlib import Path

import psycopg
import pytest

from solorun.engine import Engine
from solorun.errors import StoreUnavailable
from solorun.projects import Catalog
from solorun.service import Service
from solorun.settings import Settings
from solorun.status import Status
from solorun.stores.postgres import PostgresRunStore
from solorun.stores.postgres.connect import complete, connect
from solorun.stores.postgres.statements import OWN
from tests.contracts.builders import start
from tests.fakes.project_toml import project_toml
from tests.integration.postgres.conftest import OpenStore

CONNECT = "solorun.stores.postgres.connect"


def stop_between_statements(connection: psycopg.Connection) -> None:
    connection.execute("SELECT 1")


def stop_behind_a_pipeline(connection: psycopg.Connection) -> None:
    """Its last message is Flush, after which the server's own time limit no longer counts."""
    with connection.cursor() as cursor:
        cursor.executemany("UPDATE runs SET project = %s", [("handbook",)])


def stop_within_a_statement(connection: psycopg.Connection) -> None:
    """The server has received how to parse it, but not its parameters. No time limit of the server counts."""
    connection.pgconn.enter_pipeline_mode()
    connection.pgconn.send_query_params(b"UPDATE runs SET project = 'handbook'", None)
    connection.pgconn.send_flush_request()
    connection.pgconn.flush()


@pytest.mark.parametrize("stop", [stop_between_statements, stop_behind_a_pipeline, stop_within_a_statement])
async def test_starts_go_on_although_a_process_stands_still_during_one(
    open_store: OpenStore,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    stop: Callable[[psycopg.Connection], None],
) -> None:
    await (await open_store()).close()
    with connect(complete(database_url)) as stalled:
        stalled.execute("BEGIN")
        stalled.execute(OWN["wait_for_turn"])
        stop(stalled)
        monkeypatch.setattr(f"{CONNECT}.LOCK_SECONDS", 0.1)
        monkeypatch.setattr(f"{CONNECT}.STALLED_SECONDS", 0.2)
        store = await open_store()

        async with asyncio.timeout(30):
            with pytest.raises(StoreUnavailable, match="another transaction holds a lock"):
                await start(store)
            run = None
            while run is None:
                with suppress(StoreUnavailable):
                    run = await start(store)

        assert (await store.get_run(run.id)).holds_project
        assert "Ended 1 database sessions" in caplog.text
        stalled.close()


async def test_a_session_of_another_program_is_left_alone(
    open_store: OpenStore, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await (await open_store()).close()
    monkeypatch.setattr(f"{CONNECT}.LOCK_SECONDS", 0.1)
    monkeypatch.setattr(f"{CONNECT}.STALLED_SECONDS", 0.2)
    store = await open_store()
    with psycopg.connect(database_url) as foreign:
        foreign.execute(OWN["wait_for_turn"])

        for _ in range(2):
            with pytest.raises(StoreUnavailable, match="another transaction holds a lock"):
                await start(store)

        assert not foreign.closed
        foreign.rollback()
    await start(store)


def open_worker(settings: Settings, catalog: Catalog) -> AbstractAsyncContextManager[object]:
    return Engine.open(settings, catalog, capacity=1, keeps_queue=False)


@pytest.mark.parametrize("open_process", [open_worker, Service.open], ids=["worker", "service"])
async def test_a_process_starts_although_starts_and_ends_cannot_be_written_at_first(
    open_process: Callable[[Settings, Catalog], AbstractAsyncContextManager[object]],
    store: PostgresRunStore,
    foreign: psycopg.Connection,
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(f"{CONNECT}.LOCK_SECONDS", 0.1)
    monkeypatch.setattr("solorun.runs.reaper.WATCH_SECONDS", 0.01)
    (tmp_path / "solorun.toml").write_text(project_toml("handbook", {"extract": ["true"]}))
    settings, catalog = Settings(tmp_path / "data", database_url=database_url), Catalog.open(tmp_path / "solorun.toml")
    orphaned = await start(store)
    foreign.execute("BEGIN")
    foreign.execute(OWN["wait_for_turn"])

    async with open_process(settings, catalog):
        before = await store.get_run(orphaned.id)
        foreign.execute("COMMIT")
        async with asyncio.timeout(30):
            while (after := await store.get_run(orphaned.id)).holds_project:
                await asyncio.sleep(0.01)

    assert (before.status, after.status) == (Status.RUNNING, Status.INTERRUPTED)
    assert (after.error_message or "").startswith(f"the worker {orphaned.worker} stopped")
