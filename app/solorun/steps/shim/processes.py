"""Finds and signals processes. The service uses it too."""

# ruff: noqa: PTH123, PTH208 - pathlib would double the start-up time of the shim

import _signal as signal  # type: ignore[import-not-found]  # `signal` takes 4 ms to build its enums
import errno
import os
from collections.abc import Collection, Iterable

HAS_PROC = os.path.exists("/proc/self/stat")  # noqa: PTH110


class Process:
    """One entry of the process table."""

    def __init__(self, pid: int, stat: bytes) -> None:
        opened, closed = stat.index(b"("), stat.rindex(b")")  # a name may contain parentheses
        fields = stat[closed + 2 :].split(b" ", 20)
        self.name = stat[opened + 1 : closed].decode(errors="replace")
        self.pid, self.state = pid, fields[0]
        self.parent, self.group, self.session = map(int, fields[1:4])
        self.started = int(fields[19])
        self.identity = pid, self.started  # a pid alone may be used again


def list_processes() -> list[Process]:
    """List the live processes, without zombies. Empty where there is no /proc."""
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()] if HAS_PROC else []
    processes = [Process(pid, stat) for pid in pids if (stat := read_proc_file(pid, "stat"))]
    return [process for process in processes if process.state not in b"ZX"]


def read_proc_file(pid: int, name: str) -> bytes:
    """Read a file in /proc/PID, or return b"" if the process has exited or we lack permission."""
    try:
        with open(f"/proc/{pid}/{name}", "rb", buffering=0) as file:
            return file.read()
    except OSError:
        return b""


def find_descendants(roots: Collection[int], processes: Iterable[Process]) -> list[Process]:
    """Return those of `processes` that descend from `roots`, without the roots themselves."""
    children: dict[int, list[Process]] = {}
    for process in processes:
        children.setdefault(process.parent, []).append(process)
    found: dict[int, Process] = {}
    waiting = list(roots)
    while waiting:
        new = {child.pid: child for child in children.get(waiting.pop(), ()) if child.pid not in found}
        found |= new
        waiting += new
    return [found[pid] for pid in found if pid not in roots]


def send(pid: int, signum: int) -> bool:
    """Signal a process. False if we lack permission; True if it has already exited."""
    try:
        os.kill(pid, signum)
    except OSError as error:
        return error.errno != errno.EPERM
    return True


def kill_all(processes: Collection[Process], *, spared_group: int) -> None:
    """SIGKILL each process and its group: only its group reaches a process that forks and exits in a loop."""
    for process in processes:
        send(process.pid, signal.SIGKILL)
    for group in {process.group for process in processes} - {spared_group, 0, 1}:
        signal_group(group, signal.SIGKILL)


def signal_group(group: int, signum: int) -> None:
    """Signal a process group, if it exists. Without /proc (macOS), this is the only way to reach descendants."""
    try:
        os.killpg(group, signum)
    except (ProcessLookupError, PermissionError):
        return
