"""Starts through two services that share a database."""

import pytest

from solorun.errors import RunActive, StoreUnavailable
from solorun.idempotency_key import IdempotencyKey
from solorun.queueing import ConflictPolicy
from solorun.runs import submit_once
from solorun.status import Status
from tests.fakes.engine import Engine

KEY = IdempotencyKey("7d0f2a5e", b"{}")


async def test_a_refused_start_forgets_no_key_of_another_services_run(engines: tuple[Engine, Engine]) -> None:
    here, there = engines
    run = await submit_once(there.manager, "handbook", KEY, there.manager.submit_run("handbook", key=KEY))
    with pytest.raises(RunActive):
        await here.manager.start_run("handbook")
    (await there.executor.step("extract")).end()
    await there.end_of(run.run.id)

    again = await submit_once(here.manager, "handbook", KEY, here.manager.submit_run("handbook", key=KEY))

    assert (again.run.id, again.replayed) == (run.run.id, True)


async def test_a_start_that_was_not_confirmed_ends_no_run_that_another_service_queued(
    engines: tuple[Engine, Engine],
) -> None:
    here, there = engines
    await there.manager.start_run("handbook")
    queued = await there.manager.start_run("handbook", on_conflict=ConflictPolicy.QUEUE)
    here.faults.fail("insert_run", StoreUnavailable())

    with pytest.raises(StoreUnavailable):
        await here.manager.start_run("handbook", on_conflict=ConflictPolicy.QUEUE)
    await here.manager.reaper.wait_until_done()

    assert (await there.store.get_run(queued.id)).status is Status.QUEUED
