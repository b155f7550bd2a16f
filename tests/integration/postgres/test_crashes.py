"""The server crashes while a run goes on: nothing that was acknowledged is lost, and the run ends as it should."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from solorun.component import running
from solorun.errors import StoreUnavailable
from solorun.execution import LeaseKeeper
from solorun.record import Stream
from solorun.status import Status
from solorun.store import Store
from solorun.stores.postgres import PostgresRunStore
from solorun.stores.postgres.lease import PostgresLease
from solorun.worker import Worker
from tests.fakes.engine import declare, open_engine
from tests.fakes.postgres import PrivateServer, private_server

CRASHES = 3
PROJECT = declare(steps=("extract",))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[PrivateServer]:
    with private_server() as server:

        async def open_store(_data_dir: Path) -> Store:
            return await PostgresRunStore.open(server.url)

        monkeypatch.setattr("tests.fakes.engine.open_store", open_store)
        yield server


async def test_a_run_and_its_log_outlive_crashes_of_the_server(tmp_path: Path, server: PrivateServer) -> None:
    async with open_engine(tmp_path, PROJECT) as engine:
        # However long the server takes to recover, the lease does not end.
        lease = PostgresLease(server.url, Worker("this start", "this host"), seconds=3600)
        async with running(LeaseKeeper(lease, engine.registry, renewal_seconds=0.05, retry_seconds=0.05)):
            run = await engine.manager.start_run("handbook")
            step = await engine.executor.step("extract")
            following = asyncio.create_task(engine.log_of(run.id))
            for number in range(CRASHES):
                lines = [f"{number}.{line}" for line in range(100)]
                writing = asyncio.create_task(step.context.output.write("extract", Stream.STDOUT, lines))
                await asyncio.to_thread(server.crash_and_restart)
                await writing
            step.end()
            followed = await following
            ended = await engine.store.get_run(run.id)

        stored = await engine.log_of(run.id)
        assert await engine.store.check() == []

    assert ended.status is Status.COMPLETED
    assert followed == stored
    assert [record.message for record in stored if record.stream is Stream.STDOUT] == [
        f"{number}.{line}" for number in range(CRASHES) for line in range(100)
    ]


async def test_a_run_that_ends_while_the_server_is_down_is_recorded_when_it_is_back(
    tmp_path: Path, server: PrivateServer
) -> None:
    async with open_engine(tmp_path, PROJECT) as engine:
        run = await engine.manager.start_run("handbook")
        step = await engine.executor.step("extract")
        await asyncio.to_thread(server.crash)

        step.end()
        with pytest.raises(StoreUnavailable):
            await engine.store.get_run(run.id)
        await engine.until(lambda: engine.store.write_error is not None)
        await asyncio.to_thread(server.start)

        ended = await engine.end_of(run.id)
        assert engine.store.write_error is None
        assert ended == await engine.store.get_run(run.id)

    assert ended.status is Status.COMPLETED
