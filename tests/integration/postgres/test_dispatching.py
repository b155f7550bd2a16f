"""A run begins in a process that has its labels, a free place, and its version of the steps."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from solorun.errors import StoreUnavailable
from solorun.parameter import Parameter
from solorun.project import Project
from solorun.queueing import ConflictPolicy
from solorun.record import Level, Stream
from solorun.run import Run
from solorun.runs.dispatcher import REFUSAL_SECONDS
from solorun.status import Status
from solorun.store import Store
from solorun.stores.postgres import ParamCipher, PostgresRunStore
from solorun.stores.postgres.lease import PostgresLease
from solorun.worker import Worker
from tests.contracts.builders import read_all
from tests.fakes.engine import Engine, EngineLimits, declare, open_engine
from tests.fakes.postgres import SECRET_KEY

ONE_STEP = ("extract",)
DEFAULT = declare(steps=ONE_STEP, on_conflict=ConflictPolicy.QUEUE)
LIMITS = EngineLimits()
GPU = declare("train", steps=ONE_STEP, worker="gpu")


class Clock:
    """A clock that a test sets forward."""

    def __init__(self) -> None:
        self.time = datetime(2026, 3, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def advance(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


class Processes:
    """Services and workers on one database."""

    def __init__(self, stack: AsyncExitStack, directory: Path, database_url: str) -> None:
        self._stack = stack
        self._database_url = database_url
        self._directory = directory
        self.clock = Clock()

    async def open(
        self,
        name: str,
        *projects: Project,
        labels: tuple[str, ...] = ("default",),
        capacity: int | None = None,
        limits: EngineLimits = LIMITS,
    ) -> Engine:
        """Open all of them before the first start: without a lease, a process ends the runs of earlier ones."""
        engine = open_engine(
            self._directory / name,
            *(projects or (DEFAULT, GPU)),
            owner=name,
            worker=Worker(name, name, labels, capacity),
            shares_database=True,
            now=self.clock,
            limits=limits,
        )
        opened = await self._stack.enter_async_context(engine)
        if capacity != 0:
            # It looks as it starts, and once more in its task. After that, it looks when the test says so.
            await opened.until(lambda: opened.faults.calls.count("claim_runs") >= 2)
            async with opened.registry.start_lock:
                pass
        return opened

    def list_as_worker(self, name: str, *, capacity: int) -> None:
        """Give a process a lease, so that the others see it."""
        lease = PostgresLease(self._database_url, Worker(name, name, ("default",), capacity))
        self._stack.callback(lease.end)
        lease.renew()


@pytest.fixture
async def processes(database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Processes]:
    async def open_store(_data_dir: Path) -> Store:
        return await PostgresRunStore.open(database_url, ParamCipher(SECRET_KEY))

    monkeypatch.setattr("tests.fakes.engine.open_store", open_store)
    monkeypatch.setattr("solorun.runs.dispatcher.POLL_SECONDS", 3600.0)
    async with AsyncExitStack() as stack:
        yield Processes(stack, tmp_path, database_url)


async def notify(*engines: Engine) -> None:
    """Wake the dispatchers, as a notice of the database does, and let each look."""
    for engine in engines:
        async with engine.registry.start_lock:
            await engine.manager.dispatcher.begin_promoted()


async def complete(engine: Engine) -> Run:
    step = await engine.executor.step("extract")
    step.end()
    return await engine.end_of(step.context.run_id)


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
    limits = EngineLimits(write_seconds=0.01, reaper_retry_seconds=0.01)
    service = await processes.open("service", limits=limits)
    inserted = service.faults.hold_after("insert_run")
    service.faults.fail("give_up_start", StoreUnavailable())
    ending = service.faults.hold("give_up_start")
    with pytest.raises(StoreUnavailable, match="No step will run"):
        await service.manager.start_run("handbook")
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


# -- another version of the steps

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
