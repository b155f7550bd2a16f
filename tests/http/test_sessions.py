"""Sessions expire and are bounded, and so are the addresses of wrong tokens."""

import itertools

from solorun.auth.sessions import MAX_SESSIONS, SESSION_SECONDS, Sessions
from solorun.auth.throttle import Throttle


def test_a_session_expires() -> None:
    now = [0.0]
    sessions = Sessions(clock=lambda: now[0])
    session = sessions.begin()

    before = sessions.is_valid(session)
    now[0] += SESSION_SECONDS
    afterwards = sessions.is_valid(session)

    assert (before, afterwards, len(sessions)) == (True, False, 0)


def test_sessions_are_bounded_and_the_oldest_ends_first() -> None:
    sessions = Sessions()
    first, second, *_ = [sessions.begin() for _ in range(MAX_SESSIONS + 1)]

    assert len(sessions) == MAX_SESSIONS
    assert (sessions.is_valid(first), sessions.is_valid(second)) == (False, True)


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
