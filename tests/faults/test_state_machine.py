"""The engine does what its model says, whatever happens in whatever order."""

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.faults import machine
from tests.faults.conftest import MakeTrials
from tests.faults.machine import RunManagerMachine

SETTINGS = settings(
    max_examples=30,
    stateful_step_count=40,
    database=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
)


@pytest.fixture(autouse=True)
def _impatient_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries come at once: time is not what is tried here."""
    for name in (
        "solorun.logs.writer.MIN_RETRY_SECONDS",
        "solorun.logs.writer.MAX_RETRY_SECONDS",
        "solorun.logs.writer.MIN_PAUSE_SECONDS",
        "solorun.logs.writer.MAX_PAUSE_SECONDS",
        "solorun.logs.tail._UNSETTLED_POLL_SECONDS",
        "solorun.runs.strays._RETRY_SECONDS",
        "solorun.runs.lifecycle._MERGE_PAUSE_SECONDS",
    ):
        monkeypatch.setattr(name, 0.001)


def test_the_engine_is_its_model(trials: MakeTrials) -> None:
    tried = trials("P10", "steps of the state machine (crashes, faults, clock jumps: P20)", short=1)
    for _ in tried:
        before = machine.steps_taken
        run_state_machine_as_test(RunManagerMachine, settings=SETTINGS)
        tried.judge([], tried=machine.steps_taken - before)
