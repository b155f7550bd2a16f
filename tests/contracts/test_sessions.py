"""Browser sessions, which all processes share."""

from datetime import timedelta

from solorun.store import Store
from tests.contracts.builders import NOW
from tests.contracts.conftest import OpenStore

HOUR = timedelta(hours=1)


async def test_a_session_is_open_for_every_process_until_it_is_deleted(open_store: OpenStore) -> None:
    first, second = await open_store(), await open_store()
    await first.insert_session("a", at=NOW, expires_at=NOW + HOUR, max_open=10)
    before = [await store.has_session("a", at=NOW) for store in (first, second)]

    await second.delete_session("a")
    await second.delete_session("a")

    assert before == [True, True]
    assert [await store.has_session("a", at=NOW) for store in (first, second)] == [False, False]


async def test_a_session_expires_and_is_deleted_when_another_begins(store: Store) -> None:
    await store.insert_session("a", at=NOW, expires_at=NOW + HOUR, max_open=10)
    await store.insert_session("b", at=NOW, expires_at=NOW + 2 * HOUR, max_open=10)

    before = await store.count_sessions(at=NOW)
    expired = await store.has_session("a", at=NOW + HOUR)
    afterwards = await store.count_sessions(at=NOW + HOUR)
    await store.insert_session("c", at=NOW + HOUR, expires_at=NOW + 3 * HOUR, max_open=10)

    assert (before, expired, afterwards) == (2, False, 1)
    assert await store.count_sessions(at=NOW) == 2


async def test_the_oldest_sessions_end_when_too_many_are_open(store: Store) -> None:
    for number in range(5):
        await store.insert_session(str(number), at=NOW, expires_at=NOW + HOUR + timedelta(seconds=number), max_open=3)

    assert [await store.has_session(str(number), at=NOW) for number in range(5)] == [False, False, True, True, True]
