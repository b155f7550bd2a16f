"""Names processes in a run and its log, by pid and command line."""

from collections.abc import Callable, Sequence
from typing import Final

from solorun.outcome import short_error_message
from solorun.step import StepOutput
from solorun.steps.shim.processes import Process, read_proc_file
from solorun.steps.shim.program import MAX_COMMAND_LINE_BYTES

_MAX_NAMED: Final = 5
_MAX_CHARACTERS: Final = 80
_INDENT: Final = "  "


def format_processes(processes: Sequence[Process], mask: Callable[[str], str]) -> str:
    """`41 (sleep 60), 42 (python3 serve.py)`, the oldest first. Reads their command lines, so they should be alive."""
    oldest = sorted(processes, key=lambda process: (process.started, process.pid))
    named = [f"{process.pid} ({_command_line(process, mask)})" for process in oldest[:_MAX_NAMED]]
    more = f" and {len(processes) - _MAX_NAMED} more" if len(processes) > _MAX_NAMED else ""
    return ", ".join(named) + more


def format_process_tree(report: str, output: StepOutput) -> tuple[str, ...]:
    """A shim's report on the processes that it stops, as `41 (sh build.sh)`, children indented below their parents."""
    count, *entries = report.split()
    parents: dict[int, int] = {}
    names: dict[int, str] = {}
    for pid, parent, line in (entry.split(",") for entry in entries):
        parents[int(pid)] = int(parent)
        names[int(pid)] = f"{pid} ({_format_command_line(bytes.fromhex(line), output)})"
    tree: list[str] = []

    def add(pid: int, indent: str) -> None:
        tree.append(indent + names[pid])
        for child in [child for child, parent in parents.items() if parent == pid]:
            add(child, indent + _INDENT)

    for root in [pid for pid, parent in parents.items() if parent not in parents]:
        add(root, "")
    more = int(count) - len(names)
    return (*tree, f"and {more} more") if more else tuple(tree)


def _format_command_line(line: bytes, output: StepOutput) -> str:
    """Masked, shortened, and without the server's directories."""
    text = _decode(line)
    if len(line) >= MAX_COMMAND_LINE_BYTES:  # half a secret would not be recognized
        text = text[: len(text) - output.pending_secret_length(text)] + "…"
    return _clip(short_error_message(output.mask(text)))


def _command_line(process: Process, mask: Callable[[str], str]) -> str:
    # Masked before it is changed: half a secret would not be recognized.
    return _clip(" ".join(mask(_decode(read_proc_file(process.pid, "cmdline"))).split()) or process.name)


def _decode(line: bytes) -> str:
    return line.rstrip(b"\0").replace(b"\0", b" ").decode(errors="replace")


def _clip(line: str) -> str:
    return line if len(line) <= _MAX_CHARACTERS else line[: _MAX_CHARACTERS - 1] + "…"
