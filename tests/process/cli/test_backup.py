"""`backup` and `restore`: a database that is copied while it serves, and put back."""

import asyncio
import os
import shutil
import signal
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import anyio
import pytest

from solorun.cli import main
from solorun.client import RunClient
from solorun.queueing import ConflictPolicy
from solorun.settings import DataDirectory
from solorun.stores.directory_lock import own_data_directory
from solorun.stores.sqlite import SqliteRunStore
from tests.contracts.builders import OWNER, insert, new_run
from tests.fakes.project_toml import project_toml
from tests.fakes.scripted_service import Response, scripted_service
from tests.fakes.solorun_process import serving, solorun

PROJECTS = [f"p{number}" for number in range(3)]
TOML = "".join(project_toml(name, {"print": "seq 200"}) for name in PROJECTS)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.sqlite3\r\nContent-Length: 1000000\r\n\r\n"
DATA = Path("data")


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SOLORUN_URL", raising=False)
    return tmp_path


async def fill(directory: Path, *, count: int = 3) -> None:
    """A database with this many runs."""
    store = await SqliteRunStore.open(directory)
    for number in range(count):
        await insert(store, new_run(f"p{number}", steps=()))
    await store.close()


@pytest.fixture
async def backup() -> Path:
    """A backup of three runs."""
    await fill(Path("source"))
    return Path("source").rename("old") / "solorun.db"


async def run_ids(directory: Path = DATA) -> list[int]:
    store = await SqliteRunStore.open(directory)
    try:
        return [run.id for run in await store.list_runs(limit=1000)]
    finally:
        await store.close()


async def command(*arguments: str) -> int:
    """The exit code of a command in this process."""
    return await asyncio.to_thread(main, arguments)


async def test_a_backup_under_load_restores_every_run_acknowledged_before_it(tmp_path: Path) -> None:
    acknowledged: list[int] = []

    async def start(client: RunClient, project: str) -> None:
        while True:
            acknowledged.append((await client.start_run(project, on_conflict=ConflictPolicy.QUEUE)).id)
            await client.wait_for_run(acknowledged[-1])

    async with serving(tmp_path, TOML) as service:
        async with RunClient(service.url) as client, asyncio.TaskGroup() as load:
            tasks = [load.create_task(start(client, project)) for project in PROJECTS]
            while len(acknowledged) < 9:
                await anyio.sleep(0.001)
            before = set(acknowledged)
            saved = await command("backup", "saved.db", "--url", service.url)
            for task in tasks:
                task.cancel()
        await service.end(signal.SIGKILL)
        restored = await command("restore", "saved.db", "--force")
        checked = await command("doctor")
        await service.begin()
        async with RunClient(service.url) as client:
            found = {run.id async for run in client.list_runs()}
            again = await client.start_run("p0", on_conflict=ConflictPolicy.QUEUE)

    assert (saved, restored, checked) == (0, 0, 0)
    assert before <= found
    assert again.id > max(acknowledged)


@pytest.mark.parametrize(("number", "left"), [(signal.SIGKILL, 1), (signal.SIGINT, 0)])
async def test_a_backup_that_is_killed_leaves_no_file_under_its_name(
    tmp_path: Path, number: signal.Signals, left: int
) -> None:
    (tmp_path / "saved.db").write_text("the last backup")

    async with (
        scripted_service([Response((HEAD, b"x" * 500_000), hang=True)]) as service,
        solorun("backup", "saved.db", "--url", service.url, cwd=tmp_path) as command,
    ):
        with anyio.fail_after(60):
            while not list(tmp_path.glob(".solorun-*.part/*")):
                await anyio.sleep(0.01)
        command.process.send_signal(number)
        await command.finish()

    assert (tmp_path / "saved.db").read_text() == "the last backup"
    assert len(list(tmp_path.glob(".solorun-*"))) == left


@pytest.mark.parametrize("body", [b"x" * 1_000_000, b""])
async def test_what_is_no_database_is_not_saved(body: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    head = HEAD.replace(b"1000000", b"%d" % len(body))

    async with scripted_service([Response((head, body))]) as service:
        code = await command("backup", "saved.db", "--url", service.url)

    assert code == 2
    assert "saved.db is not a backup of Solorun" in capsys.readouterr().err
    assert os.listdir() == []


async def test_a_stopped_service_is_copied_from_its_data_directory(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await fill(DATA)
    DATA.chmod(0o700)

    code = await command("backup", "saved.db", "--data-dir", "data")

    assert code == 0, capsys.readouterr().err
    assert f"No service is running: copied the database in {tmp_path / 'data'}." in capsys.readouterr().err
    assert stat.S_IMODE(Path("saved.db").stat().st_mode) == 0o600
    Path("copy").mkdir()
    Path("saved.db").rename("copy/solorun.db")
    assert await run_ids(Path("copy")) == [3, 2, 1]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(("--url", "http://127.0.0.1:9", "--data-dir", "data"), 5), (("--data-dir", "other"), 5), ((), 5)],
)
async def test_another_service_is_not_replaced_by_a_data_directory(arguments: tuple[str, ...], code: int) -> None:
    await fill(DATA)

    assert await command("backup", "saved.db", *arguments) == code
    assert not Path("saved.db").exists()
    assert not Path("other").exists()


async def test_a_data_directory_in_use_is_not_copied(capsys: pytest.CaptureFixture[str]) -> None:
    await fill(DATA)
    DATA.chmod(0o700)

    with own_data_directory(DataDirectory(DATA), owner="service"):
        code = await command("backup", "saved.db", "--data-dir", "data")

    assert code == 2
    assert "is in use by another Solorun in this program" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [("none/saved.db",), (".",)])
async def test_a_file_that_cannot_be_written_is_named(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    code = await command("backup", *arguments)

    assert code == 2
    assert arguments[0] in capsys.readouterr().err


# -- restore


async def test_a_backup_is_restored_into_a_new_data_directory(backup: Path) -> None:
    assert await command("restore", str(backup), "--data-dir", "data") == 0

    assert sorted(os.listdir("data")) == ["solorun.db"]
    assert stat.S_IMODE(DATA.stat().st_mode) == 0o700
    assert stat.S_IMODE((DATA / "solorun.db").stat().st_mode) == 0o600
    assert await run_ids() == [3, 2, 1]


async def test_an_existing_database_is_replaced_only_with_force(
    backup: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await fill(DATA, count=5)
    DATA.chmod(0o700)

    refused = await command("restore", str(backup), "--data-dir", "data")
    kept = await run_ids()
    restored = await command("restore", str(backup), "--data-dir", "data", "--force")

    assert (refused, kept, restored) == (2, [5, 4, 3, 2, 1], 0)
    assert "Use --force to replace it" in capsys.readouterr().err
    assert await run_ids() == [3, 2, 1]


async def test_a_running_services_database_is_not_replaced(backup: Path, capsys: pytest.CaptureFixture[str]) -> None:
    DATA.mkdir(mode=0o700)

    with own_data_directory(DataDirectory(DATA), owner="service"):
        code = await command("restore", str(backup), "--data-dir", "data", "--force")

    assert code == 2
    assert "is in use by another Solorun in this program" in capsys.readouterr().err


@pytest.mark.parametrize(("replaced", "artifacts", "next_id"), [(7, 0, 8), (0, 9, 10), (7, 9, 10), (1, 2, 4)])
async def test_ids_continue_above_those_of_the_artifacts_and_the_replaced_database(
    backup: Path, replaced: int, artifacts: int, next_id: int
) -> None:
    await fill(DATA, count=replaced)
    DATA.chmod(0o700)
    (DATA / "artifacts" / str(artifacts)).mkdir(parents=True)

    assert await command("restore", str(backup), "--data-dir", "data", "--force") == 0

    store = await SqliteRunStore.open(DATA)
    run = await store.insert_run(new_run("other"), owner=OWNER)
    await store.close()
    assert run.id == next_id


@pytest.mark.parametrize("content", [b"", b"no database", b"SQLite format 3\0" + b"\0" * 4080])
async def test_a_file_that_is_no_backup_is_refused(content: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    Path("wrong.db").write_bytes(content)

    code = await command("restore", "wrong.db", "--data-dir", "data")

    assert code == 2
    assert "wrong.db is not a backup of Solorun" in capsys.readouterr().err
    assert os.listdir("data") == []


async def test_a_backup_with_problems_replaces_nothing(backup: Path, capsys: pytest.CaptureFixture[str]) -> None:
    await fill(DATA, count=5)
    DATA.chmod(0o700)
    with closing(sqlite3.connect(backup)) as connection, connection:
        connection.execute("UPDATE runs SET finished_at = 1")

    code = await command("restore", str(backup), "--data-dir", "data", "--force")

    assert code == 1
    assert "The backup has a problem" in capsys.readouterr().err
    assert sorted(os.listdir("data")) == ["solorun.db"]
    assert await run_ids() == [5, 4, 3, 2, 1]


async def test_a_damaged_database_can_be_replaced(backup: Path, caplog: pytest.LogCaptureFixture) -> None:
    DATA.mkdir(mode=0o700)
    for suffix in ("", "-wal", "-shm"):
        (DATA / f"solorun.db{suffix}").write_bytes(b"damaged" * 1000)

    assert await command("restore", str(backup), "--data-dir", "data", "--force") == 0

    assert await run_ids() == [3, 2, 1]
    assert "new runs may repeat them" in caplog.text


async def test_a_write_ahead_log_of_the_replaced_database_is_not_read(backup: Path) -> None:
    store = await SqliteRunStore.open(Path("live"))
    await insert(store, new_run("live", steps=()))
    DATA.mkdir(mode=0o700)
    for file in Path("live").iterdir():  # as a crash leaves them
        shutil.copy(file, DATA)
    await store.close()

    assert await command("restore", str(backup), "--data-dir", "data", "--force") == 0

    assert await run_ids() == [3, 2, 1]


async def test_runs_in_postgresql_are_not_restored(
    backup: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SOLORUN_DATABASE_URL", "postgresql://solorun@localhost/solorun")

    code = await command("restore", str(backup), "--data-dir", "data")

    assert code == 2
    assert "pg_restore" in capsys.readouterr().err
