"""A run is refused by a process that has another version of its steps."""

import pytest

from solorun.errors import StoreUnavailable
from solorun.parameter import Parameter
from solorun.queueing import ConflictPolicy
from solorun.record import Level, Stream
from solorun.runs.dispatcher import REFUSAL_SECONDS
from solorun.status import Status
from tests.contracts.builders import read_all
from tests.fakes.engine import declare
from tests.integration.postgres.dispatching import DEFAULT, ONE_STEP, Processes, complete, notify

OTHER_VERSIONS = {
    "another timeout": declare(steps=ONE_STEP, step_timeout_seconds=5),
    "another step": declare(steps=("extract", "review")),
    "another required parameter": declare(steps=ONE_STEP, params=(Parameter("date", required=True),)),
    "no declaration": declare("dictionary"),
}


@pytest.mark.parametrize("version", list(OTHER_VERSIONS))
async def test_a_run_with_another_version_of_the_steps_is_left_to_a_process_that_has_it(
    processes: Processes, version: str
) -> None:
    service = await processes.open("service", capacity=0)
    outdated, worker = await processes.open("outdated", OTHER_VERSIONS[version]), await processes.open("worker")

    run = await service.manager.start_run("handbook")
    await notify(outdated, outdated)
    refused = await service.store.get_run(run.id)
    await notify(worker)
    ended = await complete(worker)

    (record, *_) = await read_all(service.store, run.id)
    assert (refused.status, refused.worker, refused.level_counts.warning) == (Status.PENDING, None, 1)
    assert (record.seq, record.level, record.stream) == (1, Level.WARNING, Stream.SOLORUN)
    assert record.message.startswith("refused by outdated: outdated declares ")
    (refusal,) = refused.refusals
    assert (refusal.worker, refusal.refused_at) == ("outdated", processes.clock.time)
    assert record.message == f"refused by outdated: {refusal.reason}"
    assert (ended.status, ended.worker) == (Status.COMPLETED, "worker")
    assert outdated.executor.begun == []


async def test_a_run_whose_version_no_process_has_fails_after_a_time(processes: Processes) -> None:
    service = await processes.open("service", capacity=0)
    outdated = await processes.open("outdated", OTHER_VERSIONS["another timeout"])
    run = await service.manager.start_run("handbook")
    await notify(outdated)

    processes.clock.advance(REFUSAL_SECONDS - 1)
    await notify(outdated)
    before = await service.store.get_run(run.id)
    processes.clock.advance(1)
    await notify(outdated)
    await outdated.manager.reaper.wait_until_done()
    after = await service.store.get_run(run.id)

    assert (before.status, before.last_seq, len(before.refusals)) == (Status.PENDING, 1, 1)
    assert after.refusals == before.refusals
    assert after.status is Status.FAILED
    assert after.error_message is not None
    assert after.error_message.startswith("it could not be started: outdated declares another version of its steps")


async def test_a_refused_run_fails_although_an_earlier_one_is_refused_in_the_same_round(processes: Processes) -> None:
    another = declare("another", steps=ONE_STEP)
    service = await processes.open("service", DEFAULT, another, capacity=0)
    outdated = await processes.open(
        "outdated",
        OTHER_VERSIONS["another timeout"],
        declare("another", steps=ONE_STEP, step_timeout_seconds=5),
    )
    worker = await processes.open("worker", DEFAULT, another)
    await service.manager.start_run("handbook")
    await notify(worker)
    worker.manager.dispatcher.draining.set()
    earlier = await service.manager.start_run("handbook", on_conflict=ConflictPolicy.QUEUE)
    run = await service.manager.start_run("another")
    await notify(outdated)

    processes.clock.advance(REFUSAL_SECONDS)
    await complete(worker)
    await notify(outdated)
    await outdated.manager.reaper.wait_until_done()

    assert earlier.id < run.id
    assert (await service.store.get_run(earlier.id)).status is Status.PENDING
    assert (await service.store.get_run(run.id)).status is Status.FAILED


async def test_a_refused_run_waits_for_a_worker_that_is_busy(processes: Processes) -> None:
    another = declare("another", steps=ONE_STEP)
    service = await processes.open("service", DEFAULT, another, capacity=0)
    outdated = await processes.open("outdated", OTHER_VERSIONS["another timeout"])
    worker = await processes.open("worker", DEFAULT, another, capacity=1)
    processes.list_as_worker("worker", capacity=1)
    await service.manager.start_run("another")
    await notify(worker)
    run = await service.manager.start_run("handbook")
    await notify(outdated)

    processes.clock.advance(REFUSAL_SECONDS)
    await notify(outdated)
    await outdated.manager.reaper.wait_until_done()
    waiting = await service.store.get_run(run.id)
    await complete(worker)
    await notify(worker)
    ended = await complete(worker)

    assert (waiting.status, waiting.worker, waiting.last_seq) == (Status.PENDING, None, 1)
    assert (ended.id, ended.status, ended.worker) == (run.id, Status.COMPLETED, "worker")


async def test_a_refused_run_is_given_up_although_the_database_fails(processes: Processes) -> None:
    service = await processes.open("service", capacity=0)
    outdated = await processes.open("outdated", OTHER_VERSIONS["another timeout"])
    worker = await processes.open("worker")
    outdated.faults.fail("return_run", StoreUnavailable())
    run = await service.manager.start_run("handbook")

    await notify(outdated)
    await notify(worker)
    ended = await complete(worker)

    assert (ended.id, ended.status, ended.worker) == (run.id, Status.COMPLETED, "worker")
