"""The deadline of a command: its shim kills it, although the service says nothing."""

import os
import sys
from pathlib import Path

from solorun.execution.clock import count_seconds
from solorun.steps.shim_process import SHIM_PROGRAM
from solorun.steps.work_deadline import WorkDeadline
from tests.fakes.process_table import is_alive
from tests.process.steps.processes import eventually
from tests.process.steps.shims import StartShim

IMPORT = f"import sys, time; sys.path.append({os.path.dirname(os.path.dirname(SHIM_PROGRAM))!r}); import shim.program\n"
WITHOUT_A_LIST = IMPORT + "shim.program.list_processes = lambda: time.sleep(600); shim.program.main()"
"""On a machine that is too busy to list its processes in time."""
WITH_A_CLOCK = (
    IMPORT
    + """
from pathlib import Path

def read_clock(_):
    if Path("asked").exists():
        Path("asked-again").touch()
        return 101
    Path("asked").touch()
    while not Path("moved").exists():
        time.sleep(0.01)
    return 99.8

time.clock_gettime = read_clock
shim.program.main()
"""
)
"""With a clock that waits until the deadline is moved, and is then past the first one."""


def test_a_command_is_killed_when_its_deadline_passes(start_shim: StartShim, directory: Path) -> None:
    deadline = WorkDeadline()
    deadline.set(count_seconds() + 0.2)

    shim = start_shim("sh", "-c", "sleep 600 & exec sleep 600", deadline=deadline.fd)
    reports = shim.read_reports()

    kinds = [report.split()[0] for report in reports]
    # Whether the command or its child is reaped first is up to the kernel, and whether one is left to be listed.
    assert [kind for kind in kinds if kind not in {"left", "killing"}] == ["started", "expired", "exited", "done"]
    assert count_seconds() >= float(os.pread(deadline.fd, 32, 0))
    deadline.close()


async def test_a_command_is_killed_at_its_deadline_before_the_processes_are_listed(
    start_shim: StartShim, directory: Path
) -> None:
    deadline = WorkDeadline()
    deadline.set(count_seconds() + 0.2)

    shim = start_shim("sleep", "600", python=(sys.executable, "-c", WITHOUT_A_LIST), deadline=deadline.fd)
    command = shim.read_report().removeprefix("started ")

    await eventually(lambda: not is_alive(command))
    deadline.close()


async def test_a_deadline_that_is_moved_in_time_kills_nothing(start_shim: StartShim, directory: Path) -> None:
    deadline = WorkDeadline()
    deadline.set(100)
    shim = start_shim(
        *("sh", "-c", "until [ -e go ]; do sleep 0.01; done; exit 7"),
        python=(sys.executable, "-c", WITH_A_CLOCK),
        deadline=deadline.fd,
    )
    await eventually((directory / "asked").exists)

    deadline.set(700)
    (directory / "moved").touch()
    await eventually((directory / "asked-again").exists)
    (directory / "go").touch()

    assert shim.read_reports()[1:] == ["exited 7", "done"]
    deadline.close()
