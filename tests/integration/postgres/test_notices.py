"""A service that follows a run of another process is notified of its changes."""

import asyncio

from solorun.record import Stream
from solorun.runs import Mirror
from solorun.store import Lease, RunNotice, Subject
from tests.fakes.engine import Engine
from tests.integration.postgres.conftest import OpenLease, notices_of


async def receive(lease: Lease, subject: Subject) -> tuple[int, ...]:
    while True:
        for notice in await asyncio.to_thread(lease.wait, 60):
            if isinstance(notice, RunNotice) and notice.subject is subject:
                return notice.run_ids


async def test_a_run_that_is_followed_elsewhere_announces_its_changes_until_its_end(
    engines: tuple[Engine, Engine], open_lease: OpenLease
) -> None:
    _, there = engines
    lease = open_lease("here")
    lease.renew()
    run = await there.manager.start_run("handbook")
    step = await there.executor.step("extract")
    notices = notices_of(there)
    there.tasks.spawn(notices.send_changes(), name="notices")

    notices.receive(RunNotice(Subject.FOLLOWED, (run.id, run.id + 1)))
    at_first = await receive(lease, Subject.CHANGED)
    await step.context.output.write("extract", Stream.STDOUT, ["one"])
    with_a_record = await receive(lease, Subject.CHANGED)
    step.end()
    await there.end_of(run.id)
    at_the_end = await receive(lease, Subject.CHANGED)

    assert at_first == with_a_record == at_the_end == (run.id,)


async def test_a_run_that_is_not_followed_elsewhere_sends_nothing(
    engines: tuple[Engine, Engine], open_lease: OpenLease
) -> None:
    _, there = engines
    lease = open_lease("here")
    lease.renew()
    notices = notices_of(there)
    there.tasks.spawn(notices.send_changes(), name="notices")
    run = await there.manager.start_run("handbook")
    step = await there.executor.step("extract")

    step.end()
    await there.end_of(run.id)

    assert there.faults.calls.count("notify") == 0


async def test_the_first_follower_of_a_run_requests_notices(
    engines: tuple[Engine, Engine], mirror: Mirror, open_lease: OpenLease
) -> None:
    here, there = engines
    lease = open_lease("there")
    lease.renew()
    run = await there.manager.start_run("handbook")
    step = await there.executor.step("extract")
    await mirror.refresh()
    topic = here.hub.find(run.id)
    assert topic is not None
    follower = asyncio.create_task(here.log_of(run.id))
    await here.until(lambda: topic.follower_count == 1)

    await mirror.refresh()
    await mirror.refresh()

    assert await receive(lease, Subject.FOLLOWED) == (run.id,)
    assert here.faults.calls.count("notify") == 1
    step.end()
    await there.end_of(run.id)
    await mirror.refresh()
    await follower


async def test_a_notice_lets_a_follower_read_before_the_next_look(
    engines: tuple[Engine, Engine], mirror: Mirror
) -> None:
    here, there = engines
    run = await there.manager.start_run("handbook")
    step = await there.executor.step("extract")
    await mirror.refresh()
    follower = asyncio.create_task(here.log_of(run.id))
    topic = here.hub.find(run.id)
    assert topic is not None
    await here.until(lambda: topic.follower_count == 1)
    refreshing = asyncio.create_task(mirror.refresh_changed())

    step.end()
    await there.end_of(run.id)
    mirror.notices.receive(RunNotice(Subject.CHANGED, (run.id,)))

    assert await follower == await there.log_of(run.id)
    refreshing.cancel()
