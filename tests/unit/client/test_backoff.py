"""How long a follow waits before it asks again."""

import pytest

from solorun.client.backoff import Backoff


def test_delays_double_up_to_the_longest() -> None:
    backoff = Backoff(jitter=lambda: 0.0)

    delays = [backoff.next_delay() for _ in range(8)]

    assert delays == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0])


def test_a_delay_is_short_again_after_something_useful_came() -> None:
    backoff = Backoff(jitter=lambda: 0.0)
    backoff.next_delay()
    backoff.next_delay()

    backoff.reset()

    assert backoff.next_delay() == pytest.approx(0.1)


@pytest.mark.parametrize(("floor", "delay"), [(1.0, 1.0), (60.0, 5.0), (0.0, 0.1)])
def test_what_the_service_asks_for_is_a_floor_up_to_the_longest_delay(floor: float, delay: float) -> None:
    assert Backoff(jitter=lambda: 0.0).next_delay(floor) == pytest.approx(delay)


def test_chance_lengthens_a_delay_by_half_at_most() -> None:
    assert Backoff(jitter=lambda: 1.0).next_delay(1.0) == pytest.approx(1.5)
