"""A secret parameter with a real service, real commands and crashes: it is on no disk when its run has ended."""

import base64
import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Final

import anyio
import pytest
from zstandard import ZstdDecompressor

from solorun import RunClient
from solorun.queueing import ConflictPolicy
from solorun.status import Status
from tests.fakes.files import find_files_with
from tests.fakes.postgres import SECRET_KEY, search_server_files
from tests.fakes.project_toml import project_toml
from tests.fakes.running_service import ServedService, served
from tests.fakes.solorun_process import solorun
from tests.process.service.test_shared_database import expire_lease

SECRET: Final = "correct-horse-battery-staple"
TOML: Final = project_toml(
    "deploy",
    {
        "work": 'test -n "$SOLORUN_PARAM_GATE" && until [ -e "$SOLORUN_PARAM_GATE" ]; do sleep 0.01; done; '
        'echo "token $SOLORUN_PARAM_TOKEN"; echo "$SOLORUN_PARAMS"; printf %s "$SOLORUN_PARAM_TOKEN" | base64; '
        'echo done > "$SOLORUN_ARTIFACTS/report.txt"; echo "refused $SOLORUN_PARAM_TOKEN" >&2; exit 3'
    },
    params={"token": {"secret": True}, "gate": {}, "note": {}},
)


@pytest.mark.parametrize("is_queued", [False, True])
async def test_no_file_contains_a_secret_parameter_after_the_end_of_its_run(tmp_path: Path, is_queued: bool) -> None:
    gate = tmp_path / "gate"
    with served(tmp_path, TOML) as service:
        async with RunClient(service.url) as client:
            active = await client.start_run("deploy", params={"gate": str(gate)}) if is_queued else None
            given = {"token": SECRET, "note": f"uses {SECRET}"}
            run = await client.start_run("deploy", params=given, on_conflict=ConflictPolicy.QUEUE)
            assert (run.status is Status.QUEUED) is (active is not None)
            assert run.params == {"token": "***", "note": "uses ***"}
            if active is not None:
                service.kill()
                gate.touch()
                service.start()
            ended = await client.wait_for_run(run.id)
            await client.download_backup(tmp_path / "backup.db")
        assert (ended.status, ended.error_message) == (Status.FAILED, "work: exit code 3: refused ***")
        # The write-ahead log is emptied soon after the end, even while the service runs.
        await until(lambda: find_files_with(SECRET, tmp_path) == [])
        assert [path.name for path in tmp_path.rglob("report.txt")] == ["report.txt"]
        service.stop()

        assert read_log(service, run.id).count("token ***") == 1
        assert find_files_with(SECRET, tmp_path) == []
        assert SECRET not in read_log(service, run.id)
        assert base64.b64encode(SECRET.encode()).decode() not in read_log(service, run.id)


async def test_no_file_contains_a_secret_parameter_if_the_service_is_killed_at_the_end_of_the_run(
    tmp_path: Path,
) -> None:
    gate = tmp_path / "gate"
    with served(tmp_path, TOML) as service:
        async with RunClient(service.url) as client:
            await client.start_run("deploy", params={"gate": str(gate)})
            run = await client.start_run("deploy", params={"token": SECRET}, on_conflict=ConflictPolicy.QUEUE)
            gate.touch()
            await client.wait_for_run(run.id)
            service.kill()
            service.start()

        await until(lambda: find_files_with(SECRET, tmp_path) == [])
        service.kill()

        assert find_files_with(SECRET, tmp_path) == []


async def test_no_file_of_two_services_and_their_database_contains_a_secret_parameter(
    tmp_path: Path, database_url: str
) -> None:
    serve = partial(served, SOLORUN_DATABASE_URL=database_url, SOLORUN_SECRET_KEY=SECRET_KEY)
    gate, (first_dir, second_dir) = tmp_path / "gate", (tmp_path / "first", tmp_path / "second")
    first_dir.mkdir()
    second_dir.mkdir()
    with serve(first_dir, TOML) as first, serve(second_dir, TOML) as second:
        async with RunClient(first.url) as client:
            active = await client.start_run("deploy", params={"gate": str(gate)})
            given = {"token": SECRET, "note": f"uses {SECRET}"}
            run = await client.start_run("deploy", params=given, on_conflict=ConflictPolicy.QUEUE)
        first.kill()
        expire_lease(first, database_url)
        async with RunClient(second.url) as client:
            assert (await client.wait_for_run(active.id)).status is Status.INTERRUPTED
            ended = await client.wait_for_run(run.id)

    assert (run.status, ended.error_message) == (Status.QUEUED, "work: exit code 3: refused ***")
    assert find_files_with(SECRET, tmp_path) == []
    assert search_server_files(database_url, SECRET) == []
    assert search_server_files(database_url, "uses ***") != []


async def test_a_worker_with_the_key_gets_the_secret_parameters_of_a_service(tmp_path: Path, database_url: str) -> None:
    environ = {"SOLORUN_DATABASE_URL": database_url, "SOLORUN_SECRET_KEY": SECRET_KEY}
    worker_dir = tmp_path / "worker"
    worker_dir.mkdir()
    (worker_dir / "solorun.toml").write_text(TOML)
    serve = partial(served, SOLORUN_DATABASE_URL=database_url, SOLORUN_SECRET_KEY=SECRET_KEY)
    with serve(tmp_path, TOML, SOLORUN_EXECUTE_RUNS="false") as service:
        async with RunClient(service.url) as client, solorun("worker", env=environ, cwd=worker_dir) as worker:
            run = await client.start_run("deploy", params={"token": SECRET})
            ended = await client.wait_for_run(run.id)
            worker.process.terminate()
            finished = await worker.finish()

    assert ended.error_message == "work: exit code 3: refused ***"
    assert "cannot read secret parameters" not in finished.err
    assert find_files_with(SECRET, tmp_path) == []
    assert search_server_files(database_url, SECRET) == []


async def test_a_worker_without_the_key_warns_that_it_cannot_read_secret_parameters(
    tmp_path: Path, database_url: str
) -> None:
    (tmp_path / "solorun.toml").write_text(TOML)

    async with solorun("worker", env={"SOLORUN_DATABASE_URL": database_url}, cwd=tmp_path) as worker:
        await worker.until_stdout_shows("executes up to")
        worker.process.terminate()
        finished = await worker.finish()

    assert "This worker cannot read secret parameters. Set SOLORUN_SECRET_KEY or secret_key_file" in finished.err


async def until(predicate: Callable[[], bool]) -> None:
    with anyio.fail_after(60):
        while not predicate():
            await anyio.sleep(0.05)


def read_log(service: ServedService, run_id: int) -> str:
    """The records as they are stored."""
    with closing(sqlite3.connect(f"file:{service.data_dir}/solorun.db?mode=ro", uri=True)) as database:
        rows = database.execute("SELECT payload FROM segments WHERE run_id = ? ORDER BY last_seq", (run_id,)).fetchall()
    return "".join(ZstdDecompressor().decompress(payload).decode() for (payload,) in rows)
