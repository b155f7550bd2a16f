"""A service shows the runs that another one executes on the same database."""

import asyncio

from solorun.component import running
from solorun.errors import StoreUnavailable
from solorun.record import Stream
from solorun.run import Run
from solorun.runs import Mirror
from solorun.status import Status
from tests.fakes.engine import Engine


async def test_an_active_run_of_another_service_is_listed_until_it_has_ended(
    engines: tuple[Engine, Engine], mirror: Mirror
) -> None:
    here, there = engines
    run = await there.manager.start_run("handbook")
    step = await there.executor.step("extract")

    await mirror.refresh()
    (listed,) = here.manager.list_active_runs()
    step.end()
    await there.end_of(run.id)
    await mirror.refresh()

    assert (listed.id, listed.status, listed.current_step) == (run.id, Status.RUNNING, "extract")
    assert here.manager.list_active_runs() == []
    assert (await here.manager.get_run(run.id)).status is Status.COMPLETED
    assert mirror.ended == {Status.COMPLETED: 1}


async def test_runs_of_another_service_are_listed_although_a_look_has_failed_unexpectedly(
    engines: tuple[Engine, Engine], mirror: Mirror
) -> None:
    here, there = engines
    here.faults.fail("list_foreign_runs", RuntimeError("can't start new thread"))
    run = await there.manager.start_run("handbook")

    async with running(mirror):
        await here.until(lambda: [listed.id for listed in here.manager.list_active_runs()] == [run.id])


async def test_every_run_that_ends_elsewhere_is_counted_once(engines: tuple[Engine, Engine], mirror: Mirror) -> None:
    here, there = engines
    await mirror.refresh()
    for error, is_seen in ((None, True), ("exit code 1", False), (None, False)):
        run = await there.manager.start_run("handbook")
        step = await there.executor.step("extract")
        if is_seen:
            await mirror.refresh()
        step.end(error)
        await there.end_of(run.id)
    for _ in range(2):
        await mirror.refresh()

    await here.manager.start_run("handbook")
    (await here.executor.step("extract")).end()
    await here.until(lambda: not here.manager.list_active_runs())
    await mirror.refresh()

    assert mirror.ended == {Status.COMPLETED: 2, Status.FAILED: 1}


async def test_followers_read_new_records_from_one_reader(engines: tuple[Engine, Engine], mirror: Mirror) -> None:
    here, there = engines
    run = await there.manager.start_run("handbook")
    step = await there.executor.step("extract")
    await mirror.refresh()
    seen = (await here.manager.get_run(run.id)).last_seq
    followers = [asyncio.create_task(here.log_of(run.id, after=seen)) for _ in range(20)]
    topic = here.hub.find(run.id)
    assert topic is not None
    await here.until(lambda: topic.follower_count == 20)

    await step.context.output.write("extract", Stream.STDOUT, ["one", "two"])
    step.end()
    await there.end_of(run.id)
    async with running(mirror):
        logs = await asyncio.gather(*followers)

    assert logs == [await there.log_of(run.id, after=seen)] * 20
    assert here.faults.calls.count("read_segments") < 20


async def test_a_run_that_was_deleted_right_after_its_end_ends_here_too(
    engines: tuple[Engine, Engine], mirror: Mirror
) -> None:
    here, there = engines
    run = await there.manager.start_run("handbook")
    step = await there.executor.step("extract")
    await mirror.refresh()
    topic = here.hub.find(run.id)
    assert topic is not None
    follower = asyncio.create_task(here.end_of(run.id))
    await here.until(lambda: topic.follower_count == 1)

    step.end()
    ended = await there.end_of(run.id)
    assert ended.finished_at is not None
    await there.store.expire_runs([run.id], at=ended.finished_at)
    await mirror.refresh()

    assert (await follower).has_ended
    assert here.manager.list_active_runs() == []


async def test_a_feed_shows_a_run_that_another_service_has_started_and_ended_between_two_looks(
    engines: tuple[Engine, Engine], mirror: Mirror
) -> None:
    here, there = engines
    await mirror.refresh()
    with here.hub.open_feed() as feed:
        first = await complete(there)
        await mirror.refresh()
        shown = await feed.changes()
        second = await complete(there)
        await mirror.refresh()
        shown_next = await feed.changes()

    assert [(run.id, run.status) for run in shown] == [(first, Status.COMPLETED)]
    assert [(run.id, run.status) for run in shown_next] == [(second, Status.COMPLETED)]
    assert here.manager.list_active_runs() == []


async def complete(engine: Engine) -> int:
    run = await engine.manager.start_run("handbook")
    (await engine.executor.step("extract")).end()
    await engine.end_of(run.id)
    return run.id


async def test_a_feed_shows_the_changes_of_another_services_run(engines: tuple[Engine, Engine], mirror: Mirror) -> None:
    here, there = engines
    with here.hub.open_feed() as feed:
        run = await there.manager.start_run("handbook")
        await there.executor.step("extract")
        await mirror.refresh()
        begun = await feed.changes()

        await there.manager.cancel_run(run.id, requested_by="anna")
        await there.end_of(run.id)
        await mirror.refresh()
        ended = await feed.changes()

    assert _statuses(begun, run) == [Status.RUNNING]
    assert _statuses(ended, run) == [Status.CANCELLED]


async def test_a_database_that_cannot_be_read_is_read_again(engines: tuple[Engine, Engine], mirror: Mirror) -> None:
    here, there = engines
    here.faults.fail("list_foreign_runs", StoreUnavailable())
    await there.manager.start_run("handbook")

    async with running(mirror):
        await here.until(lambda: bool(here.manager.list_active_runs()))


def _statuses(changed: list[Run], run: Run) -> list[Status]:
    return [found.status for found in changed if found.id == run.id]
