"""`migrate-to`: the database of a stopped service moves into PostgreSQL, and a service goes on with it."""

import asyncio
import os
import signal
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import anyio
import pytest

from solorun.cli import main
from solorun.client import RunClient
from solorun.schedule import FiringOutcome
from solorun.settings import DataDirectory
from solorun.status import Status
from solorun.stores.directory_lock import own_data_directory
from solorun.stores.sqlite import SqliteRunStore
from tests.contracts.builders import insert, new_run
from tests.fakes.project_toml import project_toml
from tests.fakes.solorun_process import serving, serving_here

DATA = Path("data")
NIGHTLY = (
    project_toml("etl", {"load": "echo 読み込み"})
    + '[[projects.etl.schedules]]\ncron = "0 3 * * *"\ntimezone = "UTC"\n'
)
TWO_DAYS = 2 * 24 * 3600 * 1_000_000
URL_WITH_PASSWORD = "postgresql://solorun:hunter2@127.0.0.1:1/solorun"


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SOLORUN_DATABASE_URL", raising=False)
    return tmp_path


@pytest.fixture
async def filled() -> None:
    """A database with a queued run."""
    store = await SqliteRunStore.open(DATA)
    await insert(store, new_run("handbook", steps=()))
    await store.close()
    with closing(sqlite3.connect(DATA / "solorun.db")) as connection, connection:
        connection.execute("UPDATE runs SET owner = NULL")


async def migrate(*arguments: str) -> int:
    return await asyncio.to_thread(main, ["migrate-to", *arguments, "--data-dir", "data"])


async def test_a_service_goes_on_with_the_runs_and_schedules_of_the_old_database(
    tmp_path: Path, database_url: str
) -> None:
    async with serving_here(tmp_path, NIGHTLY) as url, RunClient(url) as client:
        old = await client.wait_for_run((await client.start_run("etl")).id)
    with closing(sqlite3.connect(DATA / "solorun.db")) as connection, connection:
        connection.execute("UPDATE schedules SET begins_at = begins_at - ?", [TWO_DAYS])

    code = await migrate(database_url)

    async with serving_here(tmp_path, NIGHTLY, database_url=database_url) as url, RunClient(url) as client:
        kept = await client.get_run(old.id)
        lines = [record.message for record in (await client.get_log_page(old.id)).records]
        with anyio.fail_after(60):
            while not (firings := (await client.list_firings("etl")).firings):
                await anyio.sleep(0.01)
        caught_up = await client.wait_for_run(old.id + 1)
    assert code == 0
    assert kept == old
    assert "読み込み" in lines
    assert [(firing.outcome, firing.run_id) for firing in firings] == [(FiringOutcome.STARTED, caught_up.id)]


async def test_the_runs_of_a_killed_service_are_interrupted_and_their_processes_killed(
    tmp_path: Path, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    toml = project_toml("handbook", {"work": "echo $$ > $SOLORUN_ARTIFACTS/pid; exec sleep 600"})
    async with serving(tmp_path, toml) as service:
        async with RunClient(service.url) as client:
            run = await client.start_run("handbook")
        pid_file = tmp_path / ".solorun" / "artifacts" / str(run.id) / "pid"
        with anyio.fail_after(60):
            while not pid_file.exists() or not pid_file.read_text():
                await anyio.sleep(0.01)
        work = Path("/proc", pid_file.read_text().strip())
        shim = (work / "stat").read_text().rpartition(")")[2].split()[1]
        os.kill(int(shim), signal.SIGSTOP)  # it would kill the work itself
        await service.end(signal.SIGKILL)

    code = await asyncio.to_thread(main, ["migrate-to", database_url])

    was_killed = not work.exists()
    async with serving_here(tmp_path, toml, database_url=database_url) as url, RunClient(url) as client:
        ended = await client.get_run(run.id)
        assert (await client.start_run("handbook")).id == run.id + 1
    assert code == 0
    assert was_killed
    assert ended.status is Status.INTERRUPTED
    assert f"Run {run.id} was active when the last service was killed" in capsys.readouterr().out


@pytest.mark.usefixtures("filled")
async def test_the_command_says_what_was_copied_and_what_to_do_next(
    tmp_path: Path, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = await migrate(database_url)

    out = capsys.readouterr().out
    assert code == 0, out
    assert "runs   1" in out
    assert "Set database_url" in out
    assert f"Artifacts and workspaces stay in {tmp_path / 'data'}." in out


@pytest.mark.usefixtures("filled")
async def test_a_dry_run_counts_and_leaves_room_for_the_copy(
    database_url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOLORUN_DATABASE_URL", database_url)

    codes = [await migrate("--dry-run"), await migrate("--dry-run"), await migrate()]

    assert codes == [0, 0, 0]
    assert capsys.readouterr().out.count("would be copied") == 2


@pytest.mark.usefixtures("filled")
async def test_problems_are_printed_and_nothing_is_migrated(
    database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(sqlite3.connect(DATA / "solorun.db")) as connection, connection:
        connection.execute("UPDATE runs SET finished_at = 1")

    code = await migrate(database_url)

    assert code == 1
    assert "Run 1 is pending, but has an end time.\nNothing was migrated." in capsys.readouterr().err


@pytest.mark.usefixtures("filled")
async def test_the_database_of_a_running_service_is_refused(
    database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with own_data_directory(DataDirectory(DATA), owner="service"):
        code = await migrate(database_url)

    assert code == 2
    assert "is in use by another Solorun in this program" in capsys.readouterr().err


async def test_a_data_directory_without_a_database_is_refused_and_not_created(
    database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = await migrate(database_url)

    assert code == 2
    assert "There is no database in" in capsys.readouterr().err
    assert not DATA.exists()


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    ("url", "message"),
    [
        (URL_WITH_PASSWORD, "cannot be opened"),
        ("postgresql://solorun:hunter2/@127.0.0.1/solorun", "%2F"),
        ("postgresql://solorun:@hunter2@127.0.0.1/solorun", "%40"),
        ("postgresql://solorun:%hunter2@127.0.0.1/solorun", "is invalid"),
        ("mysql://solorun:hunter2@127.0.0.1/solorun", "expected a PostgreSQL database"),
    ],
)
async def test_a_wrong_url_is_refused_without_its_password(
    url: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = await migrate(url)

    printed = capsys.readouterr()
    assert code == 2
    assert message in printed.err
    assert "hunter2" not in printed.out + printed.err


@pytest.mark.usefixtures("filled")
async def test_without_the_driver_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "solorun.stores.transfer", None)

    code = await migrate(URL_WITH_PASSWORD)

    assert code == 2
    assert "pip install 'solorun[cluster]'" in capsys.readouterr().err
