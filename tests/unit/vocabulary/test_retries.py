import pytest

from solorun.outcome import StopReason
from solorun.retries import Retries, find_causes


def test_delays_double_up_to_the_longest() -> None:
    retries = Retries(5, delay_seconds=10, max_delay_seconds=60)

    assert [retries.delay_after(attempt, lambda: 0.0) for attempt in range(1, 6)] == [10, 20, 40, 60, 60]


@pytest.mark.parametrize(("jitter", "seconds"), [(0.0, 60), (0.5, 52.5), (1.0, 45)])
def test_jitter_shortens_a_delay_by_up_to_a_quarter(jitter: float, seconds: float) -> None:
    retries = Retries(1, delay_seconds=40, max_delay_seconds=60)

    assert retries.delay_after(2, lambda: jitter) == seconds


@pytest.mark.parametrize(
    ("exit_code", "reason", "causes"),
    [
        (75, None, {"exit", "exit 75"}),
        (-9, None, {"signal"}),
        (None, None, {"error"}),
        (None, StopReason.STEP_TIMEOUT, {"timeout"}),
        (0, StopReason.STEP_TIMEOUT, {"timeout"}),
        (-15, StopReason.STALL, {"stall"}),
    ],
)
def test_a_failure_has_causes(exit_code: int | None, reason: StopReason | None, causes: set[str]) -> None:
    assert find_causes(exit_code, reason) == causes


@pytest.mark.parametrize(
    ("declared", "causes", "is_covered"),
    [
        ((), {"error"}, True),
        (("exit 75", "timeout"), {"exit", "exit 75"}, True),
        (("exit 75", "timeout"), {"exit", "exit 1"}, False),
        (("exit",), {"exit", "exit 1"}, True),
        (("exit",), {"signal"}, False),
    ],
)
def test_retry_on_selects_failures(declared: tuple[str, ...], causes: set[str], is_covered: bool) -> None:
    assert Retries(1, causes=frozenset(declared)).covers(causes) is is_covered
