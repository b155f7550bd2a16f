"""The delays between reconnects."""

import pytest

from solorun.client.backoff import Backoff


def test_delays_double_up_to_the_maximum() -> None:
    backoff = Backoff(jitter=lambda: 0.0)

    delays = [backoff.next_delay() for _ in range(8)]

    assert delays == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0])


def test_reset_restores_the_first_delay() -> None:
    backoff = Backoff(jitter=lambda: 0.0)
    backoff.next_delay()
    backoff.next_delay()

    backoff.reset()

    assert backoff.next_delay() == pytest.approx(0.1)


@pytest.mark.parametrize(("min_seconds", "delay"), [(1.0, 1.0), (60.0, 5.0), (0.0, 0.1)])
def test_the_requested_delay_is_a_minimum_below_the_maximum(min_seconds: float, delay: float) -> None:
    assert Backoff(jitter=lambda: 0.0).next_delay(min_seconds) == pytest.approx(delay)


def test_jitter_adds_at_most_half() -> None:
    assert Backoff(jitter=lambda: 1.0).next_delay(1.0) == pytest.approx(1.5)
