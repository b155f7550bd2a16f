"""Starts that are repeated with their idempotency key."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from solorun.errors import IdempotencyKeyReused, RunActive, ServiceDraining, StoreFailure, StoreUnavailable
from solorun.idempotency_key import KEY_LIFETIME, IdempotencyKey
from solorun.queueing import ConflictPolicy
from solorun.run import Run
from solorun.runs import RunManager, submit_once
from solorun.status import Status
from solorun.store import NewRun
from tests.fakes.engine import Engine, declare, open_engine, pass_limit
from tests.fakes.patience import PATIENCE_SECONDS

KEY = IdempotencyKey("7d0f2a5e", b"{}")
OTHER_KEY = IdempotencyKey("another", b"{}")


async def start_once(
    manager: RunManager, key: IdempotencyKey = KEY, *, on_conflict: ConflictPolicy | None = None
) -> tuple[Run, bool]:
    """The run of a start with this key, and whether it is a new one."""
    submission = manager.submit_run("handbook", key=key, on_conflict=on_conflict)
    submitted = await submit_once(manager, "handbook", key, submission)
    return submitted.run, not submitted.replayed


async def end_run(engine: Engine, run_id: int) -> None:
    (await engine.executor.step("work")).end()
    await engine.end_of(run_id)


async def test_a_repeated_start_returns_the_active_run_of_its_key(tmp_path: Path) -> None:
    async with open_engine(tmp_path) as engine:
        run, is_new = await start_once(engine.manager)
        await engine.executor.step("extract")
        again, is_new_again = await start_once(engine.manager)

        assert (is_new, is_new_again) == (True, False)
        assert again.id == run.id
        assert len(engine.executor.begun) == 1


async def test_a_repeated_start_returns_the_ended_run_of_its_key(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=("work",))) as engine:
        run, _ = await start_once(engine.manager)
        await end_run(engine, run.id)

        again, is_new = await start_once(engine.manager)

        assert (again.id, again.status, is_new) == (run.id, Status.COMPLETED, False)
        assert len(await engine.store.list_runs()) == 1


async def test_a_repeated_start_returns_the_run_of_its_key_while_another_run_is_active(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=("work",))) as engine:
        run, _ = await start_once(engine.manager)
        await end_run(engine, run.id)
        await engine.manager.start_run("handbook")

        again, is_new = await start_once(engine.manager)

        assert (again.id, is_new) == (run.id, False)


async def test_a_start_that_is_repeated_before_the_answer_waits_for_it(tmp_path: Path) -> None:
    async with open_engine(tmp_path) as engine:
        gate = engine.faults.hold_after("insert_run")
        first = asyncio.create_task(start_once(engine.manager))
        await gate.reached.wait()
        second = asyncio.create_task(start_once(engine.manager))
        await asyncio.sleep(0)

        gate.open()

        run, is_new = await first
        again, is_new_again = await second
        assert (again.id, is_new, is_new_again) == (run.id, True, False)


async def test_a_hundred_simultaneous_starts_with_one_key_return_one_run(tmp_path: Path) -> None:
    async with open_engine(tmp_path) as engine:
        answers = await asyncio.gather(*(start_once(engine.manager) for _ in range(100)))

        assert {run.id for run, _ in answers} == {1}
        assert sorted(is_new for _, is_new in answers) == [False] * 99 + [True]


async def test_a_refused_start_can_be_repeated_with_its_key(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=("work",))) as engine:
        active = await engine.manager.start_run("handbook")
        with pytest.raises(RunActive):
            await start_once(engine.manager)
        await end_run(engine, active.id)

        run, is_new = await start_once(engine.manager)

        assert (run.id, is_new) == (active.id + 1, True)


async def test_another_request_with_a_used_key_is_refused(tmp_path: Path) -> None:
    other = IdempotencyKey("7d0f2a5e", b'{"scope":"review"}')
    async with open_engine(tmp_path, declare(steps=("work",))) as engine:
        run, _ = await start_once(engine.manager)
        with pytest.raises(IdempotencyKeyReused):
            await start_once(engine.manager, other)
        await end_run(engine, run.id)

        with pytest.raises(IdempotencyKeyReused, match="led to run 1"):
            await start_once(engine.manager, other)


async def test_a_repeated_start_returns_its_run_even_if_it_would_now_be_refused(tmp_path: Path) -> None:
    async with open_engine(tmp_path) as engine:
        run, _ = await start_once(engine.manager)
        engine.projects.projects.clear()

        again, _ = await start_once(engine.manager)

        assert again.id == run.id


async def test_a_repeated_start_returns_its_run_during_a_drain(tmp_path: Path) -> None:
    async with open_engine(tmp_path) as engine:
        run, _ = await start_once(engine.manager)
        await engine.manager.drain(PATIENCE_SECONDS)

        again, is_new = await start_once(engine.manager)
        with pytest.raises(ServiceDraining):
            await start_once(engine.manager, OTHER_KEY)

        assert (again.id, again.status, is_new) == (run.id, Status.INTERRUPTED, False)


async def test_a_start_that_is_repeated_after_a_crash_returns_the_interrupted_run(tmp_path: Path) -> None:
    async with open_engine(tmp_path, owner="killed", drain=False) as engine:
        gate = engine.faults.hold_after("insert_run")
        caller = asyncio.create_task(start_once(engine.manager))
        await gate.reached.wait()
        engine.faults.die()
        caller.cancel()

        async with open_engine(tmp_path, owner="the next start") as restarted:
            run, is_new = await start_once(restarted.manager)

            assert (run.id, run.status, is_new) == (1, Status.INTERRUPTED, False)
            assert restarted.executor.begun == []


@pytest.mark.parametrize("error", [StoreUnavailable, StoreFailure])
async def test_a_start_that_was_committed_despite_an_error_can_be_repeated(
    tmp_path: Path, error: type[Exception]
) -> None:
    async with open_engine(tmp_path) as engine:
        engine.faults.fail_after("insert_run", error("the answer was lost"))
        engine.faults.fail("find_active_run", StoreUnavailable("still not back"))
        with pytest.raises(error):
            await start_once(engine.manager)

        run, is_new = await start_once(engine.manager)

        assert (run.id, is_new) == (2, True)
        assert (await engine.store.get_run(1)).status is Status.FAILED


async def test_a_start_that_waited_too_long_for_its_write_can_be_repeated(tmp_path: Path) -> None:
    async with open_engine(tmp_path) as engine:
        gate = engine.faults.hold_after("insert_run")
        with pytest.raises(StoreUnavailable):
            await pass_limit(gate, start_once(engine.manager))
        repeated = asyncio.create_task(start_once(engine.manager))
        await asyncio.sleep(0)

        gate.open()

        run, is_new = await repeated
        assert (run.id, is_new) == (2, True)
        assert (await engine.end_of(1)).status is Status.FAILED


async def test_a_key_can_be_used_again_after_a_day(tmp_path: Path) -> None:
    clock = [datetime(2026, 3, 1, 12, tzinfo=UTC)]
    async with open_engine(tmp_path, declare(steps=("work",)), now=lambda: clock[0]) as engine:
        run, _ = await start_once(engine.manager)
        await end_run(engine, run.id)
        clock[0] += KEY_LIFETIME + timedelta(seconds=1)

        later, is_new = await start_once(engine.manager)

        assert (later.id, is_new) == (run.id + 1, True)


async def test_a_start_that_is_repeated_while_its_run_is_queued_queues_nothing(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=("work",))) as engine:
        active = await engine.manager.start_run("handbook")

        queued, is_new = await start_once(engine.manager, on_conflict=ConflictPolicy.QUEUE)
        again, is_new_again = await start_once(engine.manager, on_conflict=ConflictPolicy.QUEUE)

        assert (queued.status, queued.queue_position, is_new) == (Status.QUEUED, 1, True)
        assert (again, is_new_again) == (queued, False)
        assert [run.id for run in await engine.store.list_runs()] == [queued.id, active.id]


async def test_a_repeated_replacement_does_not_replace_its_own_run(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=("work",))) as engine:
        await engine.manager.start_run("handbook")
        await engine.executor.step("work")
        replacement, _ = await start_once(engine.manager, on_conflict=ConflictPolicy.REPLACE)
        await engine.executor.step("work")

        again, is_new = await start_once(engine.manager, on_conflict=ConflictPolicy.REPLACE)

        assert (again.id, again.cancel_requested_at, is_new) == (replacement.id, None, False)
        assert engine.manager.list_queued_runs() == []


async def test_a_repeated_join_returns_the_run_that_was_joined_after_its_end(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=("work",))) as engine:
        active = await engine.manager.start_run("handbook")
        joined, is_new = await start_once(engine.manager, on_conflict=ConflictPolicy.JOIN)
        again, is_new_again = await start_once(engine.manager, on_conflict=ConflictPolicy.JOIN)
        await end_run(engine, active.id)

        last, is_new_at_last = await start_once(engine.manager, on_conflict=ConflictPolicy.JOIN)

        assert {joined.id, again.id, last.id} == {active.id}
        assert (is_new, is_new_again, is_new_at_last) == (True, False, False)


async def test_a_repetition_whose_first_start_was_given_up_meanwhile_can_be_repeated(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=("work",))) as engine:
        await engine.manager.start_run("handbook")
        now = datetime.now(UTC)
        new = NewRun("handbook", "full", "api", {}, now, ("work",), on_conflict=ConflictPolicy.QUEUE, key=KEY)
        first = await engine.store.insert_run(new, owner=engine.manager.owner)
        looking = engine.faults.hold("find_run_by_key")
        repetition = asyncio.create_task(start_once(engine.manager, on_conflict=ConflictPolicy.QUEUE))
        await looking.reached.wait()
        await engine.manager.reaper.give_up(first, "too late")

        looking.open()

        with pytest.raises(StoreUnavailable, match="Repeat the request"):
            await repetition
        assert (await start_once(engine.manager, on_conflict=ConflictPolicy.QUEUE))[1]


async def test_a_late_start_stands_once_a_repetition_has_returned_its_run(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=("work",))) as engine:
        active = await engine.manager.start_run("handbook")
        inserted = engine.faults.hold_after("insert_run")
        with pytest.raises(StoreUnavailable):
            await pass_limit(inserted, start_once(engine.manager, on_conflict=ConflictPolicy.QUEUE))

        queued, is_new = await start_once(engine.manager, on_conflict=ConflictPolicy.REJECT)
        inserted.open()
        await engine.until(lambda: not engine.registry.start_lock.locked())
        await engine.manager.reaper.wait_until_done()

        assert (queued.status, is_new) == (Status.QUEUED, False)
        assert [run.id for run in engine.manager.list_queued_runs()] == [queued.id]
        await end_run(engine, active.id)
        await end_run(engine, queued.id)
        assert (await engine.store.get_run(queued.id)).status is Status.COMPLETED
