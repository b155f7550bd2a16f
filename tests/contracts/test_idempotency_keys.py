"""A start that is repeated with its idempotency key inserts no second run."""

from dataclasses import replace
from datetime import timedelta

import pytest

from solorun.errors import IdempotencyKeyReused, RunActive, StartRepeated
from solorun.idempotency_key import KEY_LIFETIME, IdempotencyKey
from solorun.queueing import ConflictPolicy, StartResult
from solorun.run import Cancel, Run
from solorun.status import Status
from solorun.store import KeyedRun, NewRun, Store
from tests.contracts.builders import NOW, OWNER, end, ending, later, new_run, start
from tests.contracts.conftest import OpenStore

KEY = IdempotencyKey("7d0f2a5e", b"{}")
OTHER_KEY = IdempotencyKey("another", b"{}")
OTHER_REQUEST = IdempotencyKey("7d0f2a5e", b'{"scope":"extract"}')


def keyed_run(project: str = "handbook", *, key: IdempotencyKey = KEY, after: timedelta = timedelta()) -> NewRun:
    return replace(new_run(project), key=key, created_at=NOW + after)


GIVEN_UP = Cancel(NOW, "solorun", "too late", settled_at=NOW)


async def give_up(store: Store, run: Run, *, owner: str = OWNER) -> bool:
    return await store.give_up_start(run.id, owner=owner, ending=ending(Status.FAILED, "too late"), cancel=GIVEN_UP)


async def started(store: Store, new: NewRun) -> Run:
    """A run that was inserted with a key and has ended, so that its project is free."""
    return await end(store, await store.insert_run(new, owner=OWNER), Status.INTERRUPTED)


async def test_a_key_finds_the_run_that_it_started(store: Store) -> None:
    run = await store.insert_run(keyed_run(), owner=OWNER)

    assert await store.find_run_by_key("handbook", KEY, at=NOW) == KeyedRun(run, StartResult.STARTED)


async def test_a_key_finds_its_run_in_a_store_that_is_opened_later(open_store: OpenStore) -> None:
    store = await open_store()
    run = await started(store, keyed_run())
    await store.close()

    assert await (await open_store()).find_run_by_key("handbook", KEY, at=NOW) == KeyedRun(run, StartResult.STARTED)


async def test_a_key_that_started_nothing_finds_nothing(store: Store) -> None:
    await store.insert_run(keyed_run(), owner=OWNER)

    assert await store.find_run_by_key("handbook", OTHER_KEY, at=NOW) is None


async def test_a_repeated_start_inserts_nothing(store: Store) -> None:
    run = await started(store, keyed_run())

    with pytest.raises(StartRepeated):
        await store.insert_run(keyed_run(), owner=OWNER)

    assert await store.list_runs() == [run]


async def test_a_start_that_is_repeated_while_its_run_is_active_names_that_run(store: Store) -> None:
    run = await store.insert_run(keyed_run(), owner=OWNER)

    with pytest.raises(RunActive) as refusal:
        await store.insert_run(keyed_run(), owner="another-service")

    assert refusal.value.active_run == run


@pytest.mark.parametrize("policy", [ConflictPolicy.QUEUE, ConflictPolicy.REPLACE])
async def test_a_start_that_is_repeated_queues_nothing_and_cancels_nothing(
    store: Store, policy: ConflictPolicy
) -> None:
    active = await start(store)
    new = replace(keyed_run(), on_conflict=policy)
    queued = await store.insert_run(new, owner=OWNER)
    replacement = await store.insert_run(replace(new, key=OTHER_KEY), owner=OWNER)
    before = await store.list_runs()

    with pytest.raises(StartRepeated):
        await store.insert_run(new, owner=OWNER)

    assert await store.list_runs() == before
    assert [run.id for run in before] == [replacement.id, queued.id, active.id]
    found = await store.find_run_by_key("handbook", KEY, at=NOW)
    assert found is not None
    assert found.run == before[1]


@pytest.mark.parametrize(
    ("policy", "result"),
    [(ConflictPolicy.QUEUE, StartResult.QUEUED), (ConflictPolicy.REPLACE, StartResult.STARTED)],
)
async def test_a_key_remembers_whether_its_run_was_queued(
    store: Store, policy: ConflictPolicy, result: StartResult
) -> None:
    active = await start(store)
    queued = await store.insert_run(replace(keyed_run(), on_conflict=policy), owner=OWNER)
    await end(store, active)
    [run] = await store.claim_runs(owner=OWNER)

    assert run.id == queued.id
    assert await store.find_run_by_key("handbook", KEY, at=NOW) == KeyedRun(run, result)


async def test_another_request_with_a_used_key_is_refused(store: Store) -> None:
    await started(store, keyed_run())

    with pytest.raises(StartRepeated):
        await store.insert_run(keyed_run(key=OTHER_REQUEST), owner=OWNER)
    with pytest.raises(IdempotencyKeyReused):
        await store.find_run_by_key("handbook", OTHER_REQUEST, at=NOW)


async def test_projects_do_not_share_keys(store: Store) -> None:
    first = await store.insert_run(keyed_run("handbook"), owner=OWNER)

    second = await store.insert_run(keyed_run("glossary", key=OTHER_REQUEST), owner=OWNER)

    assert await store.find_run_by_key("handbook", KEY, at=NOW) == KeyedRun(first, StartResult.STARTED)
    assert await store.find_run_by_key("glossary", OTHER_REQUEST, at=NOW) == KeyedRun(second, StartResult.STARTED)


async def test_a_refused_start_does_not_use_its_key(store: Store) -> None:
    active = await start(store)
    with pytest.raises(RunActive):
        await store.insert_run(keyed_run(), owner=OWNER)
    await end(store, active)

    run = await store.insert_run(keyed_run(key=OTHER_REQUEST), owner=OWNER)

    assert await store.find_run_by_key("handbook", OTHER_REQUEST, at=NOW) == KeyedRun(run, StartResult.STARTED)


async def test_a_start_that_is_given_up_gives_its_key_back(store: Store) -> None:
    run = await store.insert_run(keyed_run(), owner=OWNER)
    other = await store.insert_run(keyed_run("glossary"), owner=OWNER)

    assert await give_up(store, run)

    assert (await store.get_run(run.id)).error_message == "too late"
    assert await store.find_run_by_key("handbook", KEY, at=NOW) is None
    assert await store.find_run_by_key("glossary", KEY, at=NOW) == KeyedRun(other, StartResult.STARTED)
    assert (await store.insert_run(keyed_run(), owner=OWNER)).id > other.id


async def test_a_queued_start_that_is_given_up_is_cancelled_and_gives_its_key_back(store: Store) -> None:
    await start(store)
    run = await store.insert_run(replace(keyed_run(), on_conflict=ConflictPolicy.QUEUE), owner=OWNER)

    assert await give_up(store, run)

    assert (await store.get_run(run.id)).cancel == GIVEN_UP
    assert await store.find_run_by_key("handbook", KEY, at=NOW) is None


async def test_a_pending_start_whose_cancel_was_requested_is_cancelled_when_it_is_given_up(store: Store) -> None:
    run = await store.insert_run(keyed_run(), owner=OWNER)
    await store.request_cancel(run.id, Cancel(NOW, "api"))

    assert await give_up(store, run)

    assert (await store.get_run(run.id)).status is Status.CANCELLED


async def test_an_ended_run_is_not_given_up(store: Store) -> None:
    run = await started(store, keyed_run())

    assert await give_up(store, run)

    assert await store.find_run_by_key("handbook", KEY, at=NOW) == KeyedRun(run, StartResult.STARTED)


async def test_the_run_of_another_owner_is_not_given_up(store: Store) -> None:
    run = await store.insert_run(keyed_run(), owner=OWNER)

    assert await give_up(store, run, owner="another")

    assert await store.find_run_by_key("handbook", KEY, at=NOW) == KeyedRun(run, StartResult.STARTED)


async def test_an_acknowledged_start_is_not_given_up(store: Store) -> None:
    run = await store.insert_run(keyed_run(), owner=OWNER)
    queued = await store.insert_run(replace(keyed_run(key=OTHER_KEY), on_conflict=ConflictPolicy.QUEUE), owner=OWNER)

    acknowledged = [await store.acknowledge_start("handbook", key, at=NOW) for key in (KEY, OTHER_KEY, OTHER_KEY)]
    given_up = [await give_up(store, each) for each in (run, queued)]

    assert (acknowledged, given_up) == ([True, True, True], [False, False])
    assert await store.find_run_by_key("handbook", KEY, at=NOW) == KeyedRun(run, StartResult.STARTED)
    assert await store.find_run_by_key("handbook", OTHER_KEY, at=NOW) == KeyedRun(queued, StartResult.QUEUED)


async def test_a_run_that_another_start_has_joined_is_not_given_up(store: Store) -> None:
    run = await store.insert_run(keyed_run(), owner=OWNER)
    await store.record_key("handbook", OTHER_KEY, run.id, at=later(1))

    assert not await give_up(store, run)

    assert await store.get_run(run.id) == run
    assert await store.find_run_by_key("handbook", KEY, at=NOW) == KeyedRun(run, StartResult.STARTED)


async def test_a_start_that_was_given_up_or_never_made_cannot_be_acknowledged(store: Store) -> None:
    run = await store.insert_run(keyed_run(), owner=OWNER)
    await give_up(store, run)

    assert not await store.acknowledge_start("handbook", KEY, at=NOW)
    assert not await store.acknowledge_start("handbook", OTHER_KEY, at=NOW)
    assert not await store.acknowledge_start("glossary", KEY, at=NOW)


async def test_several_keys_can_lead_to_one_run(store: Store) -> None:
    run = await store.insert_run(keyed_run(), owner=OWNER)

    await store.record_key("handbook", OTHER_KEY, run.id, at=later(1))

    assert await store.find_run_by_key("handbook", KEY, at=NOW) == KeyedRun(run, StartResult.STARTED)
    assert await store.find_run_by_key("handbook", OTHER_KEY, at=NOW) == KeyedRun(run, StartResult.JOINED)


async def test_a_key_that_has_led_to_a_run_cannot_be_recorded_for_another(store: Store) -> None:
    first = await started(store, keyed_run())
    second = await store.insert_run(keyed_run(key=OTHER_KEY), owner=OWNER)

    with pytest.raises(StartRepeated):
        await store.record_key("handbook", KEY, second.id, at=later(1))

    assert await store.find_run_by_key("handbook", KEY, at=NOW) == KeyedRun(first, StartResult.STARTED)


async def test_a_key_is_forgotten_after_a_day(store: Store) -> None:
    first = await started(store, keyed_run())
    moment = timedelta(microseconds=1)

    assert await store.find_run_by_key("handbook", KEY, at=NOW + KEY_LIFETIME - moment) == KeyedRun(
        first, StartResult.STARTED
    )
    assert await store.find_run_by_key("handbook", KEY, at=NOW + KEY_LIFETIME) is None
    second = await store.insert_run(keyed_run(key=OTHER_REQUEST, after=KEY_LIFETIME), owner=OWNER)
    found = await store.find_run_by_key("handbook", OTHER_REQUEST, at=NOW + KEY_LIFETIME)
    assert found == KeyedRun(second, StartResult.STARTED)


async def test_forgetting_old_keys_keeps_those_that_are_younger_than_a_day(store: Store) -> None:
    hours = [0, 1, 22, 23, 25]
    keys = [IdempotencyKey(f"at {hour}", b"") for hour in hours]
    for hour, key in zip(hours, keys, strict=True):
        await started(store, keyed_run(key=key, after=timedelta(hours=hour)))

    found = [await store.find_run_by_key("handbook", key, at=NOW + timedelta(hours=25)) for key in keys]

    assert [keyed and keyed.run.id for keyed in found] == [None, None, 3, 4, 5]
