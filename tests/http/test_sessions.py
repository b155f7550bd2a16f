"""Sessions expire and are bounded, and so are the addresses of wrong tokens."""

import itertools
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import pytest

from solorun.auth.sessions import MAX_SESSIONS, SESSION_SECONDS, Sessions
from solorun.auth.throttle import Throttle
from solorun.errors import StoreUnavailable
from solorun.stores.sqlite import SqliteRunStore
from tests.fakes.application import TOKEN, OpenServed

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteRunStore]:
    store = await SqliteRunStore.open(tmp_path)
    yield store
    await store.close()


async def test_a_session_expires(store: SqliteRunStore) -> None:
    now = [NOW]
    sessions = Sessions(store, b"secret", lambda: now[0])
    session = await sessions.begin()

    before = await sessions.is_open(session)
    now[0] += timedelta(seconds=SESSION_SECONDS)
    afterwards = await sessions.is_open(session)

    assert (before, afterwards, await sessions.count()) == (True, False, 0)


async def test_sessions_are_bounded_and_the_oldest_ends_first(store: SqliteRunStore) -> None:
    now = itertools.count()
    sessions = Sessions(store, b"secret", lambda: NOW + timedelta(microseconds=next(now)))
    first, second, *_ = [await sessions.begin() for _ in range(MAX_SESSIONS + 1)]

    assert await sessions.count() == MAX_SESSIONS
    assert (await sessions.is_open(first), await sessions.is_open(second)) == (False, True)


async def test_another_token_ends_every_session(store: SqliteRunStore) -> None:
    session = await Sessions(store, b"secret", lambda: NOW).begin()

    assert await Sessions(store, b"other", lambda: NOW).is_open(session) is False


async def test_a_check_learns_of_a_logout_elsewhere(store: SqliteRunStore) -> None:
    sessions = Sessions(store, b"secret", lambda: NOW)
    session = await sessions.begin()
    check = sessions.check(session)
    before = check()

    await Sessions(store, b"secret", lambda: NOW).end(session)

    with anyio.fail_after(60):
        while check():
            await anyio.sleep(0)
    assert before


async def test_a_check_keeps_its_answer_while_the_database_is_unavailable(
    store: SqliteRunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = anyio.Event()

    async def fail(key: str, *, at: datetime) -> bool:
        asked.set()
        raise StoreUnavailable

    monkeypatch.setattr(store, "has_session", fail)
    check = Sessions(store, b"secret", lambda: NOW).check("a")

    first = check()
    await asked.wait()
    await anyio.sleep(0)

    assert (first, check()) == (True, True)


async def test_a_session_outlives_a_restart(open_served: OpenServed) -> None:
    async with open_served(token=TOKEN) as served:
        await served.client.post("/login", data={"token": TOKEN})
        cookies = served.client.cookies
    async with open_served(token=TOKEN) as served:
        served.client.cookies = cookies
        response = await served.client.get("/api/v1/runs")

    assert response.status_code == 200


def test_the_eleventh_wrong_token_within_a_minute_is_too_many() -> None:
    now = itertools.count(0.0, 5.5)
    throttle = Throttle(clock=lambda: next(now))

    first = [throttle.is_exceeded("10.0.0.1") for _ in range(11)]
    other = throttle.is_exceeded("10.0.0.2")
    list(itertools.islice(now, 10))

    assert first == [False] * 10 + [True]
    assert other is False
    assert throttle.is_exceeded("10.0.0.1") is False


def test_the_throttle_forgets_the_oldest_addresses() -> None:
    throttle = Throttle()
    for address in ["10.0.0.1"] * 11 + [str(number) for number in range(1000)]:
        throttle.is_exceeded(address)

    assert throttle.is_exceeded("10.0.0.1") is False
