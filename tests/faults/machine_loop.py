"""Runs state machines until a limit is reached: `python -m tests.faults.machine_loop SECONDS STEPS [URL]`.

Their runs are in SQLite, or in new schemas of the PostgreSQL server at the URL.
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


def machine_on(server_url: str | None = None) -> type[RunManagerMachine]:
    """The state machine with its runs in SQLite, or on this PostgreSQL server."""
    return type("RunManagerMachine", (RunManagerMachine,), {"server_url": server_url})


def main(seconds: float, steps: int, *server_url: str) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and step_counts["steps"] < steps:
        run_state_machine_as_test(machine_on(*server_url), settings=SETTINGS)
        print(json.dumps(step_counts), flush=True)


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])
