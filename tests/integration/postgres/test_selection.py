"""`database_url` selects PostgreSQL, for the service and for the doctor. Without it, nothing of it is imported."""

import asyncio
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from solorun.cli import main
from solorun.engine import open_store
from solorun.errors import DatabaseUnusable
from solorun.settings import Settings
from solorun.stores.postgres import PostgresRunStore
from solorun.stores.postgres.lease import PostgresLease
from solorun.stores.sqlite import SqliteRunStore
from solorun.worker import Worker
from tests.contracts.builders import OWNER, start

IMPORT = "import sys, solorun.server, solorun.stores.sqlite; print({'psycopg', 'obstore'} & sys.modules.keys())"


async def test_the_url_selects_the_store(tmp_path: Path, database_url: str) -> None:
    stores = [
        await open_store(Settings(tmp_path)),
        await open_store(Settings(tmp_path, database_url=database_url)),
    ]
    for store in stores:
        await store.close()

    assert [type(store) for store in stores] == [SqliteRunStore, PostgresRunStore]


def test_without_a_url_neither_the_driver_nor_the_client_of_buckets_is_imported() -> None:
    printed = subprocess.run([sys.executable, "-c", IMPORT], check=True, capture_output=True, text=True).stdout

    assert printed == "set()\n"


async def test_without_the_driver_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "solorun.stores.postgres", None)

    with pytest.raises(DatabaseUnusable, match=r"pip install 'solorun\[cluster\]'"):
        await open_store(Settings(tmp_path, database_url="postgresql://db.example/solorun"))


def test_doctor_checks_and_repairs_the_database_of_the_url(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SOLORUN_DATABASE_URL", database_url)
    doctor = ["doctor", "--data-dir", str(tmp_path / "data")]
    valid = main(doctor)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("DROP INDEX runs_one_active_per_project")

    found = main(doctor)
    repaired = main([*doctor, "--fix"])
    again = main(doctor)

    out = capsys.readouterr().out
    assert (valid, found, repaired, again) == (0, 1, 0, 0)
    assert "PostgreSQL" in out
    assert "The index runs_one_active_per_project is missing." in out


def test_doctor_repairs_nothing_while_a_service_runs(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SOLORUN_DATABASE_URL", database_url)
    asyncio.run(_start_a_run(database_url))
    lease = PostgresLease(database_url, Worker(OWNER, "this host"))
    lease.renew()

    code = main(["doctor", "--data-dir", str(tmp_path / "data"), "--fix"])
    lease.end()

    assert code != 0
    assert "Stop every service before a repair" in capsys.readouterr().err


async def _start_a_run(database_url: str) -> None:
    store = await PostgresRunStore.open(database_url)
    await start(store)
    await store.close()
