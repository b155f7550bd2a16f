"""Runs state machines until a limit is reached: `python -m tests.faults.machine_loop SECONDS STEPS`.

Prints the number of steps so far after each machine, as one JSON line.
"""

import json
import sys
import time

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.faults.engine_machine import step_counts
from tests.faults.machine import RunManagerMachine

SETTINGS = settings(
    max_examples=30,
    stateful_step_count=40,
    deadline=None,
    database=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
)


def main(seconds: float, steps: int) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and step_counts["steps"] < steps:
        run_state_machine_as_test(RunManagerMachine, settings=SETTINGS)
        print(json.dumps(step_counts), flush=True)


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]))
