"""A start that a worker executes: other starts do not wait until it is left to the worker, and its answer does."""

import asyncio

import pytest

from solorun.errors import RunActive
from solorun.queueing import ConflictPolicy
from solorun.status import Status
from tests.fakes.engine import EngineLimits, declare
from tests.integration.postgres.dispatching import ONE_STEP, Processes, complete, notify

A, B = (declare(name, steps=ONE_STEP, on_conflict=ConflictPolicy.REJECT) for name in "ab")


async def test_starts_of_other_projects_go_on(processes: Processes) -> None:
    service = await processes.open("service", A, B, capacity=0)
    leaving = service.faults.hold("return_run")
    first = asyncio.create_task(service.manager.start_run("a"))
    await leaving.reached.wait()

    second = await service.manager.start_run("b")
    leaving.open()

    assert (second.status, (await first).status) == (Status.PENDING, Status.PENDING)


@pytest.mark.parametrize("is_answered_first", [False, True])
async def test_a_second_start_of_its_project_is_refused_and_leaves_it_alone(
    processes: Processes, is_answered_first: bool
) -> None:
    service, worker = await processes.open("service", A, capacity=0), await processes.open("worker", A)
    leaving = service.faults.hold("return_run")
    first = asyncio.create_task(service.manager.start_run("a"))
    await leaving.reached.wait()
    refused = service.faults.hold_after("insert_run")
    second = asyncio.create_task(service.manager.start_run("a"))
    if is_answered_first:
        # The second start has read the row as one of this service.
        await refused.reached.wait()
        leaving.open()
        await first
        refused.open()
    else:
        refused.open()

    with pytest.raises(RunActive) as refusal:
        await second
    leaving.open()
    run = await first
    await notify(worker)

    assert refusal.value.active_run.id == run.id
    assert (await complete(worker)).status is Status.COMPLETED


async def test_its_answer_waits_beyond_the_limit(processes: Processes, monkeypatch: pytest.MonkeyPatch) -> None:
    service = await processes.open("service", A, capacity=0, limits=EngineLimits(write_seconds=3600))
    worker = await processes.open("worker", A)
    leaving = service.faults.hold("return_run")
    starting = asyncio.create_task(service.manager.start_run("a"))
    await leaving.reached.wait()
    loop, passed = asyncio.get_running_loop(), asyncio.Event()
    loop.call_later(3601, passed.set)
    now = loop.time
    monkeypatch.setattr(loop, "time", lambda: now() + 3602)
    await passed.wait()
    leaving.open()

    run = await starting
    await notify(worker)

    assert (await complete(worker)).id == run.id


async def test_a_cancel_waits_until_it_is_left(processes: Processes) -> None:
    service = await processes.open("service", A, capacity=0)
    leaving = service.faults.hold("return_run")
    starting = asyncio.create_task(service.manager.start_run("a"))
    await leaving.reached.wait()
    [pending] = await service.store.list_runs()
    cancelling = asyncio.create_task(service.manager.cancel_run(pending.id))
    await asyncio.sleep(0)
    leaving.open()

    run = await starting
    cancelled, _ = await cancelling

    assert (run.id, cancelled.status) == (pending.id, Status.CANCELLED)
