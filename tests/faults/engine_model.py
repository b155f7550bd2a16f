"""What the state machine expects of an active run, and of a rerun."""

from collections.abc import Iterable, Sequence
from typing import TypeVar

from solorun.run import Run
from solorun.status import StepStatus

K = TypeVar("K", int, str)

STEPS = ("work", "rest")
_FAILED = {StepStatus.FAILED, StepStatus.CANCELLED, StepStatus.INTERRUPTED}


class ModelRun:
    """The expected state of one active run."""

    def __init__(self, run_id: int, steps: Sequence[str] = STEPS) -> None:
        self.id = run_id
        self.steps = steps
        self.step = 0
        self.attempt = 1
        """That of its step in progress."""
        self.is_waiting = False
        """Its step waits for its next attempt, for longer than a test lasts."""
        self.cancel_requested = False


def steps_from(run: Run, start: str) -> list[str]:
    """The steps that a rerun repeats; none if the run does not have this step."""
    for position, step in enumerate(run.steps):
        if start in ("start", step.name) or (start == "failed" and step.status in _FAILED):
            return [following.name for following in run.steps[position:]]
    return []


def choose(choice: int, among: Iterable[K]) -> K | None:
    known = sorted(among)
    return known[choice % len(known)] if known else None
