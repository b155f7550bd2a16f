"""A service keeps the lease of its runs, and ends their work before a lease that it cannot renew has expired."""

import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from solorun.component import running
from solorun.errors import StoreUnavailable
from solorun.execution import LeaseKeeper
from solorun.run import Cancel
from solorun.status import Status
from solorun.store import Notice, Renewal, RunNotice
from tests.contracts.builders import NOW
from tests.fakes.engine import Engine, open_engine
from tests.fakes.steps import ScriptedExecutor

LEASE_SECONDS = 30.0


class FakeLease:
    """A lease whose server the test stops. The test sets its clock too, so that no time has to pass."""

    seconds = LEASE_SECONDS

    def __init__(self) -> None:
        self.now = 0.0
        self.fails = False
        self.runs: dict[int, Cancel | None] = dict.fromkeys(range(100))
        self.renewals = 0
        self.ended = False
        self.exited = threading.Event()

    def clock(self) -> float:
        return self.now

    def renew(self) -> Renewal:
        if self.fails:
            raise StoreUnavailable
        self.renewals += 1
        return Renewal(self.runs)

    def wait(self, seconds: float) -> list[Notice | RunNotice]:
        time.sleep(seconds)
        return []

    def end(self) -> None:
        self.ended = True

    def fail_until(self, age: float) -> None:
        """Let the lease get this old, as a fraction of its length."""
        self.fails = True
        self.now = age * LEASE_SECONDS


@pytest.fixture
def lease() -> FakeLease:
    return FakeLease()


@asynccontextmanager
async def keeping(engine: Engine, lease: FakeLease, clock: Callable[[], float] | None = None) -> AsyncIterator[None]:
    keeper = LeaseKeeper(
        lease,
        engine.registry,
        clock=clock or lease.clock,
        exit_process=lease.exited.set,
        renewal_seconds=0.001,
        retry_seconds=0.001,
    )
    async with running(keeper):
        yield


async def test_a_lease_is_taken_before_the_first_start_and_renewed_until_the_end(
    tmp_path: Path, lease: FakeLease
) -> None:
    async with open_engine(tmp_path) as engine, keeping(engine, lease):
        taken = lease.renewals
        await engine.until(lambda: lease.renewals >= taken + 3)

    assert taken >= 1
    assert lease.ended


async def test_without_a_lease_the_service_does_not_start(tmp_path: Path, lease: FakeLease) -> None:
    lease.fails = True

    async with open_engine(tmp_path) as engine:
        with pytest.raises(StoreUnavailable):
            async with keeping(engine, lease):
                pass


async def test_a_cancel_that_another_service_has_recorded_stops_the_run(tmp_path: Path, lease: FakeLease) -> None:
    async with open_engine(tmp_path) as engine, keeping(engine, lease):
        run = await engine.manager.start_run("handbook")
        await engine.executor.step("extract")

        lease.runs = {run.id: Cancel(NOW, "anna", "wrong branch")}

        ended = await engine.end_of(run.id)

    assert ended.status is Status.CANCELLED


async def test_a_cancel_that_was_recorded_while_the_run_was_being_claimed_stops_it_without_another_renewal(
    tmp_path: Path, lease: FakeLease
) -> None:
    run_id = 1
    lease.runs = {run_id: Cancel(NOW, "anna", "wrong branch")}
    async with open_engine(tmp_path) as engine, keeping(engine, lease):
        renewals = lease.renewals
        await engine.until(lambda: lease.renewals > renewals + 1)
        lease.fails = True

        run = await engine.manager.start_run("handbook")
        ended = await engine.end_of(run.id)

    assert (ended.id, ended.status, ended.cancel_requested_by) == (run_id, Status.CANCELLED, "anna")


async def test_a_run_that_another_service_has_ended_stops(tmp_path: Path, lease: FakeLease) -> None:
    async with open_engine(tmp_path) as engine, keeping(engine, lease):
        run = await engine.manager.start_run("handbook")
        step = await engine.executor.step("extract")

        lease.runs = {}

        await step.stop_requested.wait()
        await engine.end_of(run.id)


async def test_work_is_interrupted_when_the_lease_cannot_be_renewed_for_long(tmp_path: Path, lease: FakeLease) -> None:
    async with open_engine(tmp_path) as engine, keeping(engine, lease):
        run = await engine.manager.start_run("handbook")
        step = await engine.executor.step("extract")

        lease.fail_until(0.7)

        ended = await engine.end_of(run.id)

    assert ended.status is Status.INTERRUPTED
    assert ended.error_message == "the database did not respond for too long to keep the project"
    assert step.graces == [5.0]
    assert not lease.exited.is_set()


async def test_a_lease_that_is_renewed_in_time_stops_nothing(tmp_path: Path, lease: FakeLease) -> None:
    async with open_engine(tmp_path) as engine, keeping(engine, lease):
        await engine.manager.start_run("handbook")
        step = await engine.executor.step("extract")
        lease.fail_until(0.6)
        lease.fails = False
        renewals = lease.renewals
        await engine.until(lambda: lease.renewals > renewals)

        lease.now += 0.6 * LEASE_SECONDS
        await engine.until(lambda: lease.renewals > renewals + 3)

        assert not step.stop_requested.is_set()


async def test_the_process_exits_if_the_work_cannot_be_stopped_in_time(tmp_path: Path, lease: FakeLease) -> None:
    executor = ScriptedExecutor(unkillable=True)
    async with open_engine(tmp_path, executor=executor, drain=False) as engine, keeping(engine, lease):
        await engine.manager.start_run("handbook")
        step = await engine.executor.step("extract")

        lease.fail_until(0.96)

        await engine.until(lease.exited.is_set)
        step.end()


async def test_the_process_stays_if_there_is_no_work(tmp_path: Path, lease: FakeLease) -> None:
    looks = 0

    def clock() -> float:
        nonlocal looks
        looks += 1
        return lease.now

    async with open_engine(tmp_path) as engine, keeping(engine, lease, clock):
        lease.fail_until(2.0)
        seen = looks
        await engine.until(lambda: looks > seen + 5)

    assert not lease.exited.is_set()


async def test_no_run_begins_while_the_lease_cannot_be_renewed(tmp_path: Path, lease: FakeLease) -> None:
    async with open_engine(tmp_path, shares_database=True) as engine, keeping(engine, lease):
        lease.fail_until(0.7)
        await engine.until(lambda: not engine.registry.has_lease)
        run = await engine.manager.start_run("handbook")
        begun = list(engine.executor.begun)

        lease.fails = False
        step = await engine.executor.step("extract")

    assert (run.status, run.worker, begun) == (Status.PENDING, None, [])
    assert step.context.run_id == run.id


async def test_a_lease_is_renewed_although_a_renewal_has_failed_unexpectedly(
    tmp_path: Path, lease: FakeLease, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_engine(tmp_path) as engine, keeping(engine, lease):
        renew = lease.renew
        failed = threading.Event()

        def fail_once() -> Renewal:
            if not failed.is_set():
                failed.set()
                raise MemoryError
            return renew()

        monkeypatch.setattr(lease, "renew", fail_once)
        await engine.until(failed.is_set)
        renewals = lease.renewals

        await engine.until(lambda: lease.renewals > renewals)
