"""Puts the exit code of a command into words."""

import signal
from pathlib import Path
from typing import Final

from solorun.outcome import StepResult

_MEANINGS: Final = {
    126: "exit code 126 (not executable)",
    127: "exit code 127 (command not found)",
    137: "exit code 137 (killed, often because memory ran out)",
}
_OUT_OF_MEMORY: Final = "; the kernel ran out of memory meanwhile and killed a process"


def result_of(exit_code: int, *, kernel_ran_out_of_memory: bool = False) -> StepResult:
    """The result of a command that exited with this code; a negative one is the signal that ended it."""
    if exit_code == 0:
        return StepResult(exit_code=0)
    if exit_code > 0:
        message = _MEANINGS.get(exit_code, f"exit code {exit_code}")
    else:
        message = f"killed by {_name_of_signal(-exit_code)}"
    is_killed = exit_code in (-signal.SIGKILL, 128 + signal.SIGKILL)
    return StepResult(exit_code, message + _OUT_OF_MEMORY * (is_killed and kernel_ran_out_of_memory))


def count_memory_kills() -> int:
    """How many processes the kernel has killed because memory ran out; 0 where it does not count them."""
    try:
        counters = Path("/proc/vmstat").read_text(encoding="ascii")
    except OSError:
        return 0
    _, found, rest = counters.partition("\noom_kill ")
    return int(rest.split("\n", 1)[0]) if found else 0


def _name_of_signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
