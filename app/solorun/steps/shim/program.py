"""A small program that starts one command and terminates all of its descendants.

Run as `python -I -S run.py CONTROL STATUS FILES ARTIFACTS DEADLINE PROGRAM [ARGUMENT...]`: two inherited pipes, the
command's limit of open files, the run's artifacts directory, by which a later service recognizes the shim, and a file
with the time until which the command may run, or -1. The shim has to start fast and to outlive the service, so it
imports little. CONTROL carries a nonce, then requests:
- `stop SECONDS`: send SIGTERM, and SIGKILL after this grace. A second request can only shorten the grace.
- `ping`: report `alive`.

When CONTROL is closed, the service dies or the deadline passes, the shim kills immediately. STATUS carries reports,
each with the nonce, which the command cannot know, even if it runs as root and can write to both pipes.
- `started PID`, or `refused REASON`.
- `exited CODE`: the command itself has exited. `left` follows immediately if other processes remain.
- `expired`: the deadline has passed, because the service stands still or has lost its database.
- `terminating COUNT PROCESS...`: this many processes get SIGTERM. The oldest follow, as `PID,PARENT,COMMAND IN HEX`.
- `killing COUNT PROCESS...`: likewise for SIGKILL, once the grace is over.
- `unkillable PID NAME`: this process survives its signals.
- `done`: no process is left. Without this report, the shim itself was killed.
"""

# ruff: noqa: PTH110 - pathlib would double the start-up time

import _signal as signal  # type: ignore[import-not-found]  # `signal` takes 4 ms to build its enums
import ctypes
import errno
import os
import resource
import select
import sys
import time
from collections.abc import Collection

from .processes import HAS_PROC, Process, find_descendants, kill_all, list_processes, read_proc_file, send, signal_group

_PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_CHILD_SUBREAPER = 1, 4, 36
_KILL_PAUSES_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
_UNKILLABLE_AFTER_SECONDS = 2.0
MAX_REPORTED_PROCESSES = 20
MAX_COMMAND_LINE_BYTES = 160
_TERM_ROUNDS = 5
_MAX_POLL_SECONDS = 3600.0
NONCE_BYTES = 32
CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # on Linux it counts the time of a suspension too


class Shim:
    """Runs one command until all of its processes have exited."""

    def __init__(self, control: int, status: int, deadline: int = -1, *, has_proc: bool = HAS_PROC) -> None:
        self._control, self._status, self._deadline_file = control, status, deadline
        self._has_proc = has_proc
        self._service = os.getppid()
        self._command: int | None = None  # also its process group
        self._command_exited = False
        self._deadline: float | None = None
        self._unkillable: set[int] = set()

    def run(self, argv: list[str]) -> None:
        self._prepare()
        self._poll(0)
        if self._start(argv):
            while self._reap():
                remaining = self._seconds_left()
                if remaining is None or remaining > 0:
                    self._poll(remaining)
                else:
                    self._kill()
            self._signal_group_without_proc(signal.SIGKILL)
        self._report("done")

    def _prepare(self) -> None:
        self._nonce = os.read(self._control, NONCE_BYTES)
        for fd in (self._control, self._status, self._deadline_file):
            if fd >= 0:
                os.set_inheritable(fd, False)
        for ignored in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(ignored, signal.SIG_IGN)
        self._wake, wake = os.pipe()
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        for waking in (signal.SIGCHLD, signal.SIGUSR1):
            signal.signal(waking, lambda *_: None)
        if sys.platform == "linux":
            prctl = ctypes.CDLL(None).prctl
            prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
            prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)  # closes /proc/<pid>/{fd,mem} and ptrace to the command
            # End of file on CONTROL is not enough: a fork of the service that never calls exec would keep it open.
            prctl(_PR_SET_PDEATHSIG, int(signal.SIGUSR1), 0, 0, 0)
        self._events = select.poll()
        self._events.register(self._control, select.POLLIN)
        self._events.register(self._wake, select.POLLIN)

    def _start(self, argv: list[str]) -> bool:
        if self._deadline is not None:
            self._report("refused stopped before it started")
            return False
        ignored = [number for number in signal.valid_signals() if signal.getsignal(number) == signal.SIG_IGN]
        try:
            if has_terminal := os.isatty(1):
                os.close(os.open(os.ttyname(1), os.O_RDWR))  # makes it the terminal of the session
            # Its own group, so that its `kill 0` does not reach the shim, and default signal handling.
            # The exit of a session's leader hangs up its terminal, so the shim leads the session of a terminal.
            own = {"setpgroup": 0} if has_terminal else {"setsid": True}
            self._command = os.posix_spawnp(argv[0], argv, os.environ, setsigmask=(), setsigdef=ignored, **own)
            if has_terminal:
                os.tcsetpgrp(1, self._command)
                send(self._command, signal.SIGCONT)  # if it used the terminal before
        except (OSError, ValueError) as error:
            self._report(f"refused {_format_refusal(argv[0], error)}")
            return False
        self._report(f"started {self._command}")
        for fd in (1, 2):  # so that the pipes close when the command's processes have exited
            os.dup2(0, fd)  # /dev/null
        return True

    def _seconds_left(self) -> float | None:
        """Until everything is killed, or the deadline is read again, which the service moves from time to time."""
        left = [] if self._deadline is None else [self._deadline - time.monotonic()]
        if self._deadline_file >= 0:
            left.append(float(os.pread(self._deadline_file, 32, 0)) - time.clock_gettime(CLOCK))
            if left[-1] <= 0:
                self._kill_group()
                if self._deadline is None:
                    self._report("expired")
        return min(left, default=None)

    def _poll(self, seconds: float | None) -> None:
        """Wait for a line on CONTROL or for a child to exit, and handle it."""
        for fd, _ in self._events.poll(None if seconds is None else min(seconds, _MAX_POLL_SECONDS) * 1000):
            data = os.read(fd, 4096)
            if not data:
                self._events.unregister(fd)
                self._stop(0)
            for line in data.splitlines() if fd == self._control else ():
                self._obey(line)
        if os.getppid() != self._service:
            self._stop(0)

    def _obey(self, line: bytes) -> None:
        if line == b"ping":
            self._report("alive")
        elif line.startswith(b"stop "):
            try:
                self._stop(max(0.0, float(line[5:])))
            except ValueError:
                return  # not from the service

    def _stop(self, grace_seconds: float) -> None:
        earlier, deadline = self._deadline, time.monotonic() + grace_seconds
        self._deadline = min(earlier or deadline, deadline)
        if earlier is None and grace_seconds > 0:
            self._terminate()

    def _terminate(self) -> None:
        """Send SIGTERM to all while they are stopped: a process that is started to clean up must not get it."""
        self._signal_group_without_proc(signal.SIGTERM)
        stopped: dict[int, Process] = {}
        for _ in range(_TERM_ROUNDS):  # a process that forks and exits in a loop would never end this
            if not (new := [process for process in self._descendants() if process.pid not in stopped]):
                break
            for process in new:
                stopped[process.pid] = process
                send(process.pid, signal.SIGSTOP)
        if stopped:
            self._report_stop("terminating", stopped.values())
        for signum in (signal.SIGTERM, signal.SIGCONT):
            for pid in reversed(stopped):  # children first, so that their parents do not see them stopped
                send(pid, signum)

    def _kill(self) -> None:
        """Kill until no process is left. Keeps waiting for a child that cannot be signalled."""
        began, rounds = time.monotonic(), 0
        while self._reap():
            living = self._descendants()
            is_late = time.monotonic() - began > _UNKILLABLE_AFTER_SECONDS
            for process in living:
                if not send(process.pid, signal.SIGSTOP) or is_late:  # a stopped process cannot fork
                    self._report_unkillable(process)
            if not rounds and (living or not self._has_proc):
                self._report_stop("killing", living)
            kill_all(living, spared_group=os.getpgrp())
            self._signal_group_without_proc(signal.SIGKILL)
            self._poll(_KILL_PAUSES_SECONDS[min(rounds, len(_KILL_PAUSES_SECONDS) - 1)])
            rounds += 1

    def _kill_group(self) -> None:
        """Kill most of the processes first: on a busy machine, it takes long to list them all."""
        if self._command and not self._command_exited:  # Until it is reaped, no other group has its number.
            signal_group(self._command, signal.SIGKILL)

    def _reap(self) -> bool:
        """Reap exited children, and return whether any child is left. A subreaper inherits all orphaned descendants."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if not pid:
                return True
            if pid == self._command:
                self._command_exited = True
                self._report(f"exited {os.waitstatus_to_exitcode(status)}")
                if self._reap():
                    self._report("left")

    def _descendants(self) -> list[Process]:
        return find_descendants({os.getpid()}, list_processes()) if self._has_proc else []

    def _signal_group_without_proc(self, signum: int) -> None:
        if self._command and not self._has_proc:
            signal_group(self._command, signum)

    def _report_stop(self, kind: str, processes: Collection[Process]) -> None:
        oldest = sorted(processes, key=lambda one: one.started)[:MAX_REPORTED_PROCESSES]
        lines = [read_proc_file(one.pid, "cmdline")[:MAX_COMMAND_LINE_BYTES] or one.name.encode() for one in oldest]
        shown = (f" {one.pid},{one.parent},{line.hex()}" for one, line in zip(oldest, lines, strict=True))
        self._report(f"{kind} {len(processes)}{''.join(shown)}")

    def _report_unkillable(self, process: Process) -> None:
        if process.pid not in self._unkillable and len(self._unkillable) < MAX_REPORTED_PROCESSES:
            self._unkillable.add(process.pid)
            self._report(f"unkillable {process.pid} {process.name}")

    def _report(self, line: str) -> None:
        try:
            report = " ".join(line.splitlines()).encode(errors="replace")
            os.write(self._status, b"\n%b %b\n" % (self._nonce, report))
        except BrokenPipeError:
            self._stop(0)


def _format_refusal(program: str, error: OSError | ValueError) -> str:
    if isinstance(error, FileNotFoundError):
        exists = os.path.exists(program)
        return f"the interpreter of {program} was not found" if exists else f"command not found: {program}"
    if isinstance(error, PermissionError):
        return f"not executable: {program}"
    if isinstance(error, OSError) and error.errno == errno.ENOEXEC:
        return f"not a program: {program} (is its #! line missing?)"
    return f"could not be started: {error.strerror if isinstance(error, OSError) else error}"


def limit_open_files(soft: int) -> None:
    """Restore the limit that the service raised. Skip this for an equal one: macOS rejects setting "unlimited"."""
    now, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != now and (hard == resource.RLIM_INFINITY or 0 <= soft <= hard):
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def main() -> None:
    limit_open_files(int(sys.argv[3]))
    Shim(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[5])).run(sys.argv[6:])
    os._exit(0)  # 5 ms faster than an orderly interpreter shutdown
