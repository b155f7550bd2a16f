"""Names processes in a run's log, by pid and command line."""

from collections.abc import Callable, Sequence
from typing import Final

from solorun.steps.shim import Process, read_proc_file

_MAX_NAMED: Final = 5
_MAX_CHARACTERS: Final = 80


def format_processes(processes: Sequence[Process], mask: Callable[[str], str]) -> str:
    """`41 (sleep 60), 42 (python3 serve.py)`, the oldest first. Reads their command lines, so they should be alive."""
    oldest = sorted(processes, key=lambda process: (process.started, process.pid))
    named = [f"{process.pid} ({_command_line(process, mask)})" for process in oldest[:_MAX_NAMED]]
    more = f" and {len(processes) - _MAX_NAMED} more" if len(processes) > _MAX_NAMED else ""
    return ", ".join(named) + more


def _command_line(process: Process, mask: Callable[[str], str]) -> str:
    arguments = read_proc_file(process.pid, "cmdline").rstrip(b"\0").replace(b"\0", b" ").decode(errors="replace")
    # Masked before it is changed: half a secret would not be recognized.
    line = " ".join(mask(arguments).split()) or process.name
    return line if len(line) <= _MAX_CHARACTERS else line[: _MAX_CHARACTERS - 1] + "…"
