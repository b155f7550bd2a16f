"""Two services on one PostgreSQL database: a run belongs to one of them, until its lease has expired."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from solorun import RunClient
from solorun.errors import RunActive
from solorun.run import Run
from solorun.status import Status
from tests.fakes.project_toml import project_toml
from tests.fakes.running_service import ServedService, served
from tests.fakes.s3_server import SECRET, S3Server
from tests.process.service.clients import until_logged

LIMIT_SECONDS = 60
UPLOADER = project_toml(
    "handbook",
    {
        "build": 'env > "$SOLORUN_ARTIFACTS/variables"',
        "wait": 'echo half > "$SOLORUN_ARTIFACTS/partial"; echo begun; exec sleep 600',
    },
)
SLEEPER = project_toml("handbook", {"work": "echo $$ > pid; echo begun; exec sleep 600"})


@pytest.fixture
def services(tmp_path: Path, database_url: str) -> Iterator[tuple[ServedService, ServedService]]:
    with ExitStack() as stack:

        def serve(name: str) -> ServedService:
            (tmp_path / name).mkdir()
            return stack.enter_context(served(tmp_path / name, SLEEPER, SOLORUN_DATABASE_URL=database_url))

        yield serve("first"), serve("second")


async def begin(service: ServedService) -> Run:
    async with RunClient(service.url) as client:
        run = await client.start_run("handbook")
        await until_logged(client, run.id, "begun")
        return run


async def until_ended(service: ServedService, run_id: int) -> Run:
    async with RunClient(service.url) as client, asyncio.timeout(LIMIT_SECONDS):
        while not (run := await client.get_run(run_id)).has_ended:
            await asyncio.sleep(0.05)
        return run


async def test_a_run_of_another_service_holds_the_project(services: tuple[ServedService, ServedService]) -> None:
    first, second = services
    run = await begin(first)

    async with RunClient(second.url) as client:
        with pytest.raises(RunActive) as refusal:
            await client.start_run("handbook")
        listed = await client.list_run_page("handbook")
    await asyncio.to_thread(second.stop)
    await asyncio.to_thread(second.start)

    assert refusal.value.active_run.id == run.id
    assert [found.status for found in listed.runs] == [Status.RUNNING]
    async with RunClient(first.url) as client:
        assert (await client.get_run(run.id)).status is Status.RUNNING


async def test_a_run_is_followed_and_cancelled_through_another_service(
    services: tuple[ServedService, ServedService],
) -> None:
    first, second = services
    run = await begin(first)

    async with RunClient(second.url) as client, asyncio.timeout(LIMIT_SECONDS):
        await until_logged(client, run.id, "begun")
        await client.cancel_run(run.id, reason="not today")
        ended = await client.wait_for_run(run.id)

    assert ended.status is Status.CANCELLED
    assert ended.cancel is not None
    assert ended.cancel.reason == "not today"


async def test_a_killed_service_loses_its_runs_when_its_lease_has_expired(
    services: tuple[ServedService, ServedService], database_url: str
) -> None:
    first, second = services
    run = await begin(first)

    first.kill()
    expire_lease(first, database_url)
    ended = await until_ended(second, run.id)

    assert ended.status is Status.INTERRUPTED
    assert (await begin(second)).id > run.id


async def test_a_killed_service_that_starts_again_ends_its_runs_although_its_lease_lasts(
    services: tuple[ServedService, ServedService], database_url: str
) -> None:
    first, _ = services
    run = await begin(first)
    work = Path("/proc", (first.directory / "pid").read_text().strip())

    first.kill()
    extend_leases(database_url)
    await asyncio.to_thread(first.start)

    async with RunClient(first.url) as client:
        ended = await client.get_run(run.id)
    assert ended.status is Status.INTERRUPTED
    assert not work.exists()
    assert (await begin(first)).id > run.id


async def test_a_copy_of_a_data_directory_ends_no_runs_of_the_original(
    services: tuple[ServedService, ServedService], database_url: str
) -> None:
    first, second = services
    run = await begin(first)
    await asyncio.to_thread(second.stop)
    shutil.rmtree(second.data_dir)
    shutil.copytree(first.data_dir, second.data_dir)

    extend_leases(database_url)
    await asyncio.to_thread(second.start)

    async with RunClient(second.url) as client:
        assert (await client.get_run(run.id)).status is Status.RUNNING


async def test_a_service_that_wakes_after_its_lease_writes_nothing_and_stops_its_work(
    services: tuple[ServedService, ServedService], database_url: str
) -> None:
    first, second = services
    run = await begin(first)
    work = Path("/proc", (first.directory / "pid").read_text().strip())

    first.signal(signal.SIGSTOP)
    expire_lease(first, database_url)
    ended = await until_ended(second, run.id)
    successor = await begin(second)
    first.signal(signal.SIGCONT)
    async with asyncio.timeout(LIMIT_SECONDS):
        while work.exists():
            await asyncio.sleep(0.05)

    async with RunClient(second.url) as client:
        assert await client.get_run(run.id) == ended
        assert (await client.get_run(successor.id)).status is Status.RUNNING


async def test_a_service_lists_what_a_killed_worker_has_uploaded_to_a_bucket(
    tmp_path: Path, database_url: str, s3_server: S3Server
) -> None:
    environ = {
        "SOLORUN_DATABASE_URL": database_url,
        "SOLORUN_ARTIFACT_STORE": s3_server.create_url(),
        "SOLORUN_EXECUTE_RUNS": "false",
        **s3_server.environ,
    }
    with ExitStack() as stack:
        for name in ("service", "worker"):
            (tmp_path / name).mkdir()
        service = ServedService(tmp_path / "service", UPLOADER, environ)
        stack.callback(service.stop)
        (tmp_path / "worker" / "solorun.toml").write_text(UPLOADER)
        worker = subprocess.Popen(
            [sys.executable, "-m", "solorun", "worker"], cwd=tmp_path / "worker", env={**os.environ, **environ}
        )
        stack.callback(worker.wait)
        stack.callback(worker.kill)
        service.start()
        run = await begin(service)
        variables = Path(f"/proc/{worker.pid}/environ")
        of_the_worker = variables.read_text() if variables.exists() else ""

        worker.kill()

        async with RunClient(service.url) as client:
            listed = await client.list_artifacts(run.id)
            await client.download_artifact(run.id, "variables", tmp_path / "variables")
    of_the_step = (tmp_path / "variables").read_text()
    assert [artifact.name for artifact in listed.artifacts] == ["variables"]
    assert f"SOLORUN_RUN_ID={run.id}" in of_the_step
    assert SECRET not in of_the_step + of_the_worker


def extend_leases(database_url: str) -> None:
    """Nothing that happens in the test happens because a lease has expired."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE owners SET lease_until = lease_until + INTERVAL '1 day'")


def expire_lease(service: ServedService, database_url: str) -> None:
    """What happens by itself when a service has not renewed its lease for long enough."""
    owner = json.loads((service.data_dir / "solorun.owner.json").read_text())["owner"]
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE owners SET lease_until = clock_timestamp() WHERE owner = %s", [owner])


async def test_services_share_artifacts_and_workspaces_in_a_directory(tmp_path: Path, database_url: str) -> None:
    shared = tmp_path / "shared"
    keeper = project_toml(
        "handbook", {"keep": 'echo report > "$SOLORUN_ARTIFACTS/report"; cat "$SOLORUN_WORKSPACE/kept"'}
    )
    (shared / "workspaces" / "handbook").mkdir(parents=True)
    (shared / "workspaces" / "handbook" / "kept").write_text("from an earlier run\n")
    with ExitStack() as stack:

        def serve(name: str) -> ServedService:
            (tmp_path / name).mkdir()
            place = {"SOLORUN_DATABASE_URL": database_url, "SOLORUN_SHARED_DIR": str(shared)}
            return stack.enter_context(served(tmp_path / name, keeper, program=("-m", "solorun"), **place))

        first, second = serve("first"), serve("second")
        async with RunClient(first.url) as client:
            run = await client.start_run("handbook")
        ended = await until_ended(second, run.id)
        async with RunClient(second.url) as client:
            listed = await client.list_artifacts(run.id)
            messages = [record.message async for page in client.stream_log(run.id) for record in page]

    assert ended.status is Status.COMPLETED
    assert [artifact.name for artifact in listed.artifacts] == ["report"]
    assert "from an earlier run" in messages


async def test_a_service_without_execution_leaves_a_run_pending_until_it_is_cancelled(
    tmp_path: Path, database_url: str
) -> None:
    with served(tmp_path, SLEEPER, SOLORUN_DATABASE_URL=database_url, SOLORUN_EXECUTE_RUNS="false") as service:
        async with RunClient(service.url) as client:
            run = await client.start_run("handbook")
            with pytest.raises(RunActive):
                await client.start_run("handbook")
            cancelled = await client.cancel_run(run.id)
            again = await client.start_run("handbook")

    assert (run.status, run.worker) == (Status.PENDING, None)
    assert cancelled.status is Status.CANCELLED
    assert again.status is Status.PENDING
