"""A run begins in a process that has its labels and a free place."""

import pytest

from solorun.errors import StoreUnavailable
from solorun.parameter import Parameter
from solorun.queueing import ConflictPolicy
from solorun.status import Status
from tests.fakes.engine import EngineLimits, declare, pass_limit
from tests.integration.postgres.dispatching import ONE_STEP, Processes, complete, notify


async def test_a_run_begins_in_a_process_with_its_labels(processes: Processes) -> None:
    service, worker = await processes.open("service"), await processes.open("worker", labels=("gpu", "eu"))

    left = await service.manager.start_run("train")
    own = await service.manager.start_run("handbook")
    await notify(service, worker)

    assert (left.status, left.worker, left.labels) == (Status.PENDING, None, ("gpu",))
    assert (await complete(worker)).id == left.id
    assert (await complete(service)).id == own.id
    ended = await service.store.get_run(left.id)
    assert (ended.status, ended.worker) == (Status.COMPLETED, "worker")


async def test_a_start_is_acknowledged_although_the_answer_to_its_hand_over_was_lost(processes: Processes) -> None:
    service, worker = await processes.open("service", capacity=0), await processes.open("worker")
    service.faults.fail_after("return_run", StoreUnavailable())

    run = await service.manager.start_run("handbook")
    await notify(worker)

    assert (run.status, run.worker) == (Status.PENDING, None)
    assert (await complete(worker)).id == run.id


async def test_a_start_that_came_too_late_never_begins_although_a_claim_is_in_doubt(processes: Processes) -> None:
    limits = EngineLimits(reaper_retry_seconds=0.01)
    service = await processes.open("service", limits=limits)
    inserted = service.faults.hold_after("insert_run")
    service.faults.fail("give_up_start", StoreUnavailable())
    ending = service.faults.hold("give_up_start")
    with pytest.raises(StoreUnavailable, match="No step will run"):
        await pass_limit(inserted, service.manager.start_run("handbook"))
    inserted.open()
    await ending.reached.wait()

    service.faults.fail("claim_runs", StoreUnavailable())
    with pytest.raises(StoreUnavailable):
        await notify(service)
    await notify(service)
    ending.open()
    await service.manager.reaper.wait_until_done()

    [run] = await service.store.list_runs()
    assert (run.status, service.executor.begun) == (Status.FAILED, [])


async def test_a_run_that_no_process_can_execute_waits_and_holds_its_project(processes: Processes) -> None:
    service, worker = await processes.open("service", capacity=0), await processes.open("worker")

    run = await service.manager.start_run("train")
    behind = await service.manager.start_run("train", on_conflict=ConflictPolicy.QUEUE)
    await notify(service, worker)
    waiting = await service.store.get_run(run.id)
    _, accepted = await service.manager.cancel_run(run.id, requested_by="anna")

    assert (waiting.status, waiting.worker, accepted) == (Status.PENDING, None, True)
    assert (await service.store.get_run(run.id)).status is Status.CANCELLED
    assert (await service.store.get_run(behind.id)).status is Status.PENDING


async def test_a_worker_begins_no_more_runs_than_its_capacity(processes: Processes) -> None:
    projects = [declare(name, steps=ONE_STEP) for name in ("a", "b", "c")]
    service = await processes.open("service", *projects, capacity=0)
    worker = await processes.open("worker", *projects, capacity=2)
    runs = [(await service.manager.start_run(project.name)).id for project in projects]

    await notify(worker)
    active = len(worker.registry)
    first = await complete(worker)
    rest = [(await complete(worker)).id for _ in runs[1:]]

    # The steps of two runs that begin together begin in any order.
    assert (active, first.id in runs[:2], sorted([first.id, *rest])) == (2, True, runs)


async def test_a_draining_worker_leaves_new_runs_to_others_and_ends_its_own(processes: Processes) -> None:
    service = await processes.open("service", capacity=0)
    draining, other = await processes.open("draining"), await processes.open("other")
    first = await service.manager.start_run("handbook")
    await notify(draining)
    step = await draining.executor.step("extract")

    draining.manager.dispatcher.draining.set()
    second = await service.manager.start_run("handbook")
    step.end()
    await draining.end_of(first.id)
    await notify(draining, other)

    assert (await service.store.get_run(first.id)).status is Status.COMPLETED
    assert (await complete(other)).id == second.id
    assert [step.context.run_id for step in draining.executor.begun] == [first.id]


async def test_a_draining_service_leaves_its_starts_to_others(processes: Processes) -> None:
    service, worker = await processes.open("service"), await processes.open("worker")
    service.manager.dispatcher.draining.set()

    run = await service.manager.start_run("handbook")
    await notify(service, worker)

    assert (await complete(worker)).id == run.id
    assert service.executor.begun == []


async def test_a_worker_gets_the_secrets_of_a_run_which_are_then_erased(processes: Processes) -> None:
    project = declare(steps=ONE_STEP, params=(Parameter("token", secret=True),))
    service = await processes.open("service", project, capacity=0)
    worker = await processes.open("worker", project)

    run = await service.manager.start_run("handbook", params={"token": "correct horse"})
    await notify(worker)
    step = await worker.executor.step("extract")
    step.end()
    await worker.end_of(run.id)

    assert run.params["token"] != "correct horse"
    assert step.context.params["token"] == "correct horse"
    assert await service.store.read_unmasked_params(run.id) == {}
