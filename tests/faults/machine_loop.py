"""State machines without end, for as many processes as there are: `python -m tests.faults.machine_loop SECONDS STEPS`.

Prints what was taken after each of them: one JSON line.
"""

import json
import sys
import time

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.faults.machine import RunManagerMachine, taken

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
    while time.monotonic() < deadline and taken["steps"] < steps:
        run_state_machine_as_test(RunManagerMachine, settings=SETTINGS)
        print(json.dumps(taken), flush=True)


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]))
