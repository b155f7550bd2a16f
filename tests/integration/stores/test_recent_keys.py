"""Which idempotency keys may be stored: the store answers for all others without a query."""

from datetime import timedelta

from solorun.idempotency_key import IdempotencyKey
from solorun.stores.sqlite import SqliteRunStore
from solorun.stores.sqlite.recent_keys import RecentKeys
from tests.contracts.builders import NOW


def test_a_key_is_kept_for_a_day_and_dropped_after_two() -> None:
    keys = RecentKeys()
    keys.add("handbook", b"first", NOW)
    keys.add("handbook", b"key", NOW + timedelta(hours=23))

    keys.add("handbook", b"after two hours", NOW + timedelta(hours=25))
    keys.add("handbook", b"after a day", NOW + timedelta(hours=47))
    is_kept_for_a_day = keys.may_contain("handbook", b"key")
    keys.add("handbook", b"after two days", NOW + timedelta(hours=71))

    assert is_kept_for_a_day
    assert not keys.may_contain("handbook", b"key")


def test_a_key_of_another_project_is_not_contained() -> None:
    keys = RecentKeys()

    keys.add("handbook", b"key", NOW)

    assert not keys.may_contain("glossary", b"key")
    assert not keys.may_contain("handbook", b"another")


async def test_a_new_key_is_looked_up_without_the_database(store: SqliteRunStore) -> None:
    await store.close()

    assert await store.find_run_by_key("handbook", IdempotencyKey("new", b""), at=NOW) is None
