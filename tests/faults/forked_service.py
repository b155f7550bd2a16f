"""Forks services from a server process that has imported everything, so that each starts within milliseconds.

`python -m tests.faults.forked_service` is the fork server. Each line of its input requests a service: a directory, an
environment, arguments and an output file. It writes the pid, and later the exit code of each child.
"""

import contextlib
import ctypes
import importlib
import json
import os
import selectors
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, NoReturn

from tests.faults.parent_death import end_with_parent

ROOT = Path(__file__).parents[2]
_CLONE_NEWNS = 0x20000


class ForkedProcess:
    """A forked service, with the interface of `subprocess.Popen`."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.code: int | None = None
        self.ended = threading.Event()

    def poll(self) -> int | None:
        return self.code

    def wait(self, timeout: float | None = None) -> int:
        if not self.ended.wait(timeout) or self.code is None:
            raise subprocess.TimeoutExpired("a forked service", timeout or 0)
        return self.code

    def send_signal(self, sig: int, /) -> None:
        if self.code is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, sig)


class ForkServer:
    """Controls the fork server, which ends with this process."""

    def __init__(self) -> None:
        environ = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.forked_service"],
            cwd=ROOT, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._lock = threading.Lock()
        self._forked = threading.Event()
        self._newest: ForkedProcess | None = None
        self._children: dict[int, ForkedProcess] = {}
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def pid(self) -> int:
        return self._server.pid

    def fork(
        self,
        directory: Path,
        environ: dict[str, str],
        arguments: list[str],
        log_file: Path,
        mounts_of: int | None = None,
    ) -> ForkedProcess:
        """Start a service. `mounts_of`: a process whose mount namespace it enters."""
        with self._lock:
            self._forked.clear()
            assert self._server.stdin is not None
            request = {
                "directory": str(directory),
                "environ": environ,
                "arguments": arguments,
                "log": str(log_file),
                "mounts_of": mounts_of,
            }
            self._server.stdin.write(json.dumps(request) + "\n")
            self._server.stdin.flush()
            assert self._forked.wait(300), "the fork server does not answer"
            assert self._newest is not None
            return self._newest

    def _listen(self) -> None:
        assert self._server.stdout is not None
        for line in self._server.stdout:
            pid, code = json.loads(line)
            if code is None:
                self._newest = self._children[pid] = ForkedProcess(pid)
                self._forked.set()
            else:
                child = self._children.pop(pid)
                child.code = code
                child.ended.set()


# -- the fork server


def _serve_requests() -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to every process
    selector = selectors.DefaultSelector()
    selector.register(sys.stdin.fileno(), selectors.EVENT_READ)
    selector.register(reading, selectors.EVENT_READ)
    unread = b""
    while True:
        for key, _ in selector.select():
            if key.fd == reading:
                os.read(reading, 4096)
                continue
            chunk = os.read(key.fd, 1 << 20)
            if not chunk:
                return
            *requests, unread = (unread + chunk).split(b"\n")
            for request in requests:
                parent = os.getpid()
                pid = os.fork()
                if pid == 0:
                    _run_service(json.loads(request), parent, (reading, writing))
                _report(pid, None)
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                _report(ended[0], os.waitstatus_to_exitcode(ended[1]))


def _report(pid: int, code: int | None) -> None:
    sys.stdout.write(json.dumps([pid, code]) + "\n")
    sys.stdout.flush()


def _run_service(request: dict[str, Any], parent: int, to_close: tuple[int, int]) -> NoReturn:
    """Turns this process into the requested service."""
    from tests.faults import host_program, loop_monitor, skewed_service
    from tests.faults.short_leases import shorten_leases

    end_with_parent(parent)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for descriptor in to_close:
        os.close(descriptor)
    if request["mounts_of"] is not None:
        _enter_mounts(request["mounts_of"])
    os.chdir(request["directory"])
    os.environ.update(request["environ"])
    nothing = os.open(os.devnull, os.O_RDONLY)
    log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(nothing, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    sys.argv = ["solorun", *request["arguments"]]
    if (lease_seconds := os.environ.pop("LEASE_SECONDS", None)) is not None:
        shorten_leases(float(lease_seconds))
    if sys.argv[1] == "host":
        host_program.run(port=int(sys.argv[-1]))
    if (clock := os.environ.pop("CLOCK", None)) is not None:
        skewed_service.run(skewed_service.SharedClock(Path(clock)))
    loop_monitor.run()


def _enter_mounts(pid: int) -> None:
    with Path(f"/proc/{pid}/ns/mnt").open() as namespace:
        if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), _CLONE_NEWNS) != 0:
            raise OSError(ctypes.get_errno(), "setns")


if __name__ == "__main__":
    for module in ("host_program", "loop_monitor", "short_leases", "skewed_service"):
        importlib.import_module(f"tests.faults.{module}")
    importlib.import_module("solorun.server.worker")

    _serve_requests()
