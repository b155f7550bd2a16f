"""The small program under which a command runs: it starts the command, and ends everything that descends from it.

Run as `python -I -S shim.py CONTROL STATUS FILES PROGRAM [ARGUMENT...]`; CONTROL and STATUS are inherited pipes,
FILES is how many files the command may open. It must start fast and outlive its service, so it uses the standard
library alone, and of that little.

CONTROL brings `stop SECONDS` lines: SIGTERM now, SIGKILL after that grace (a second line may only shorten it). Its end,
or the death of the service, means: kill at once. STATUS takes `started PID`, or `refused REASON`; then `exited CODE` of
the command itself, followed immediately by `left` if other processes remain; `unkillable PID NAME` for a process that
no signal ends; and finally `done`, once no process is left. If STATUS ends without `done`, the shim was killed.
"""

# pathlib would double the time that it takes to start.
# ruff: noqa: PTH110, PTH123, PTH208

import _signal as signal  # type: ignore[import-not-found]  # the module `signal` costs 4 ms for its enums
import ctypes
import errno
import os
import resource
import select
import sys
import time
from collections.abc import Collection, Iterable

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_KILL_PAUSES_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
_UNKILLABLE_AFTER_SECONDS = 2.0
_MAX_STUBBORN_REPORTS = 20
_TERM_ROUNDS = 5
HAS_PROC = os.path.exists("/proc/self/stat")


class Process:
    """One line of the process table."""

    __slots__ = ("group", "name", "parent", "pid", "session", "started", "state")

    def __init__(self, pid: int, stat: bytes) -> None:
        opened, closed = stat.index(b"("), stat.rindex(b")")  # a name may hold anything, also parentheses
        fields = stat[closed + 2 :].split(b" ", 20)
        self.pid = pid
        self.name = stat[opened + 1 : closed].decode(errors="replace")
        self.state = fields[0]
        self.parent = int(fields[1])
        self.group = int(fields[2])
        self.session = int(fields[3])
        self.started = int(fields[19])


def list_processes() -> list[Process]:
    """Every process that is alive (zombies are not). Empty where there is no /proc."""
    try:
        names = os.listdir("/proc")
    except OSError:
        return []
    processes = []
    for name in names:
        if name.isdigit() and (stat := read_proc_file(int(name), "stat")):
            process = Process(int(name), stat)
            if process.state not in b"ZX":
                processes.append(process)
    return processes


def read_proc_file(pid: int, name: str) -> bytes:
    """A file of a process, b"" when it has gone or is not ours to read."""
    try:
        with open(f"/proc/{pid}/{name}", "rb", buffering=0) as file:
            return file.read()
    except OSError:
        return b""


def find_descendants(roots: Collection[int], processes: Iterable[Process]) -> list[Process]:
    """All of `processes` that descend from `roots`, the roots themselves not included."""
    children: dict[int, list[Process]] = {}
    for process in processes:
        children.setdefault(process.parent, []).append(process)
    found: dict[int, Process] = {}
    waiting = list(roots)
    while waiting:
        for child in children.get(waiting.pop(), ()):
            if child.pid not in found:
                found[child.pid] = child
                waiting.append(child.pid)
    return [found[pid] for pid in found if pid not in roots]


def send(pid: int, signum: int) -> bool:
    """Signal a process. False when it may not be signalled; one that has gone has got what it needs."""
    try:
        os.kill(pid, signum)
    except ProcessLookupError:
        pass
    except PermissionError:
        return False
    return True


def kill_all(processes: Iterable[Process], *, spared_group: int) -> None:
    """SIGKILL to each and to its process group, which is reached as one: a process that forks and exits all the time is
    always gone when its pid is signalled, its group never is."""
    groups = set()
    for process in processes:
        groups.add(process.group)
        send(process.pid, signal.SIGKILL)
    for group in groups - {spared_group, 0, 1}:
        signal_group(group, signal.SIGKILL)


def signal_group(group: int, signum: int) -> None:
    """Signal a process group, as far as there is one. Where there is no /proc (macOS) it is all that can be done."""
    try:
        os.killpg(group, signum)
    except (ProcessLookupError, PermissionError):
        return


class Shim:
    """Runs one command to its end."""

    def __init__(self, control: int, status: int) -> None:
        self._control = control
        self._status = status
        self._service = os.getppid()
        self._command: int | None = None  # also its process group
        self._deadline: float | None = None
        self._stubborn: set[int] = set()

    def run(self, argv: list[str]) -> None:
        self._prepare()
        self._poll(0)
        if self._deadline is not None:
            self._report("refused it was told to stop before it began")
            self._report("done")
            return
        try:
            self._command = _spawn(argv)
        except (OSError, ValueError) as error:
            self._report(f"refused {_why_not_started(argv[0], error)}")
            self._report("done")
            return
        self._report(f"started {self._command}")
        _let_go_of_output()
        while self._reap():
            if self._deadline is None:
                self._poll(None)
            elif (remaining := self._deadline - time.monotonic()) > 0:
                self._poll(remaining)
            else:
                self._kill()
        if not HAS_PROC:
            signal_group(self._command, signal.SIGKILL)
        self._report("done")

    def _prepare(self) -> None:
        for fd in (self._control, self._status):
            os.set_inheritable(fd, False)
        for ignored in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(ignored, signal.SIG_IGN)
        self._wake, wake = os.pipe()
        for fd in (self._wake, wake):
            os.set_blocking(fd, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        for waking in (signal.SIGCHLD, signal.SIGUSR1):
            signal.signal(waking, lambda *_: None)
        if sys.platform == "linux":
            prctl = ctypes.CDLL(None).prctl
            prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
            # The end of CONTROL is not enough: a fork of the service that never calls exec would keep it open.
            prctl(_PR_SET_PDEATHSIG, int(signal.SIGUSR1), 0, 0, 0)
        self._events = select.poll()
        self._events.register(self._control, select.POLLIN)
        self._events.register(self._wake, select.POLLIN)

    def _poll(self, seconds: float | None) -> None:
        """Wait for a word of the service or for a child's end, and hear what the service says."""
        for fd, _ in self._events.poll(None if seconds is None else seconds * 1000):
            if fd == self._wake:
                os.read(self._wake, 4096)
            else:
                self._listen()
        if os.getppid() != self._service:
            self._stop(0)

    def _listen(self) -> None:
        words = os.read(self._control, 4096)
        if not words:
            self._events.unregister(self._control)
            self._stop(0)
        for line in words.splitlines():
            self._stop(float(line.split()[1]))

    def _stop(self, grace_seconds: float) -> None:
        deadline = time.monotonic() + grace_seconds
        if self._deadline is None:
            self._deadline = deadline
            if grace_seconds > 0:
                self._terminate()
        self._deadline = min(self._deadline, deadline)

    def _terminate(self) -> None:
        if self._command and not HAS_PROC:
            signal_group(self._command, signal.SIGTERM)
        told: set[int] = set()
        for _ in range(_TERM_ROUNDS):  # a process that forks and exits all the time would keep us here for ever
            new = [process for process in self._descendants() if process.pid not in told]
            if not new:
                return
            for process in new:
                told.add(process.pid)
                send(process.pid, signal.SIGTERM)
                if process.state == b"T":
                    send(process.pid, signal.SIGCONT)  # a stopped process takes its SIGTERM when it goes on

    def _kill(self) -> None:
        """Kill until nobody is left; a child that cannot be signalled is waited for, however long it takes."""
        began = time.monotonic()
        rounds = 0
        while self._reap():
            living = self._descendants()
            for process in living:
                if not send(process.pid, signal.SIGSTOP):  # what stands still cannot fork
                    self._report_stubborn(process)
            kill_all(living, spared_group=os.getpgrp())
            if self._command and not HAS_PROC:
                signal_group(self._command, signal.SIGKILL)
            if time.monotonic() - began > _UNKILLABLE_AFTER_SECONDS:
                for process in living:
                    self._report_stubborn(process)
            self._poll(_KILL_PAUSES_SECONDS[min(rounds, len(_KILL_PAUSES_SECONDS) - 1)])
            rounds += 1

    def _reap(self) -> bool:
        """Collect who has ended. True while anybody is left: as a subreaper we are an ancestor of all who are."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if not pid:
                return True
            if pid == self._command:
                self._report(f"exited {os.waitstatus_to_exitcode(status)}")
                if self._reap():
                    self._report("left")

    def _descendants(self) -> list[Process]:
        return find_descendants({os.getpid()}, list_processes())

    def _report_stubborn(self, process: Process) -> None:
        if process.pid not in self._stubborn and len(self._stubborn) < _MAX_STUBBORN_REPORTS:
            self._stubborn.add(process.pid)
            self._report(f"unkillable {process.pid} {process.name}")

    def _report(self, line: str) -> None:
        try:
            os.write(self._status, " ".join(line.splitlines()).encode(errors="replace") + b"\n")
        except BrokenPipeError:
            self._stop(0)


def _spawn(argv: list[str]) -> int:
    """Start the command in a session of its own (its `kill 0` must not reach us), with signals as by default."""
    ignored = [number for number in signal.valid_signals() if signal.getsignal(number) == signal.SIG_IGN]
    return os.posix_spawnp(argv[0], argv, os.environ, setsid=True, setsigmask=(), setsigdef=ignored)


def _why_not_started(program: str, error: OSError | ValueError) -> str:
    if isinstance(error, FileNotFoundError):
        if os.path.exists(program):
            return f"the interpreter of {program} was not found"
        return f"command not found: {program}"
    if isinstance(error, PermissionError):
        return f"not executable: {program}"
    if isinstance(error, OSError) and error.errno == errno.ENOEXEC:
        return f"not a program: {program} (does it begin with #!?)"
    return f"could not be started: {error.strerror if isinstance(error, OSError) else error}"


def _limit_open_files(soft: int) -> None:
    """The service raised its own limit, which we inherited. One that is right stays: macOS takes no unlimited one."""
    now, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != now and (hard == resource.RLIM_INFINITY or 0 <= soft <= hard):
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def _let_go_of_output() -> None:
    null = os.open(os.devnull, os.O_WRONLY)
    for fd in (1, 2):
        os.dup2(null, fd)
    os.close(null)


if __name__ == "__main__":
    _limit_open_files(int(sys.argv[3]))
    Shim(int(sys.argv[1]), int(sys.argv[2])).run(sys.argv[4:])
    os._exit(0)  # 5 ms sooner than through the interpreter's tear-down
