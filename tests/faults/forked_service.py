"""Services that are forked from a warm parent, which has imported everything: there in a few milliseconds.

`python -m tests.faults.forked_service` is that parent. Each line of its input is an order: a directory, an environment,
arguments and a file for its output; it answers with the pid, and later with how each of its children ended.
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


class WarmProcess:
    """One forked service, as a `subprocess.Popen` of it would be."""

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


class WarmParent:
    """The parent, from outside. It ends with this process."""

    def __init__(self) -> None:
        environ = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
        self._parent = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.forked_service"],
            cwd=ROOT, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._lock = threading.Lock()
        self._born = threading.Event()
        self._newest: WarmProcess | None = None
        self._children: dict[int, WarmProcess] = {}
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def pid(self) -> int:
        return self._parent.pid

    def fork(
        self,
        directory: Path,
        environ: dict[str, str],
        arguments: list[str],
        log_file: Path,
        mounts_of: int | None = None,
    ) -> WarmProcess:
        """`mounts_of`: a process whose mount namespace the service enters."""
        with self._lock:
            self._born.clear()
            assert self._parent.stdin is not None
            order = {
                "directory": str(directory),
                "environ": environ,
                "arguments": arguments,
                "log": str(log_file),
                "mounts_of": mounts_of,
            }
            self._parent.stdin.write(json.dumps(order) + "\n")
            self._parent.stdin.flush()
            assert self._born.wait(20), "the warm parent does not answer"
            assert self._newest is not None
            return self._newest

    def _listen(self) -> None:
        assert self._parent.stdout is not None
        for line in self._parent.stdout:
            pid, code = json.loads(line)
            if code is None:
                self._newest = self._children[pid] = WarmProcess(pid)
                self._born.set()
            else:
                child = self._children.pop(pid)
                child.code = code
                child.ended.set()


# -- the parent itself


def _serve_orders() -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it comes from the terminal, to everybody
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
            *orders, unread = (unread + chunk).split(b"\n")
            for order in orders:
                parent = os.getpid()
                pid = os.fork()
                if pid == 0:
                    _become(json.loads(order), parent, (reading, writing))
                _tell(pid, None)
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                _tell(ended[0], os.waitstatus_to_exitcode(ended[1]))


def _tell(pid: int, code: int | None) -> None:
    sys.stdout.write(json.dumps([pid, code]) + "\n")
    sys.stdout.flush()


def _become(order: dict[str, Any], parent: int, to_close: tuple[int, int]) -> NoReturn:
    """Be the service that was ordered."""
    from tests.faults import loop_monitor

    code = 1
    try:
        end_with_parent(parent)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for descriptor in to_close:
            os.close(descriptor)
        if order["mounts_of"] is not None:
            _enter_mounts(order["mounts_of"])
        os.chdir(order["directory"])
        os.environ.update(order["environ"])
        nothing = os.open(os.devnull, os.O_RDONLY)
        log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(nothing, 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        sys.argv = ["solorun", *order["arguments"]]
        loop_monitor.run()
        code = 0
    except SystemExit as exit_:
        code = exit_.code if isinstance(exit_.code, int) else int(exit_.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        with contextlib.suppress(BaseException):
            sys.stdout.flush()
            sys.stderr.flush()
        import atexit

        atexit._run_exitfuncs()
        os._exit(code)


def _enter_mounts(pid: int) -> None:
    with Path(f"/proc/{pid}/ns/mnt").open() as namespace:
        if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), _CLONE_NEWNS) != 0:
            raise OSError(ctypes.get_errno(), "setns")


if __name__ == "__main__":
    importlib.import_module("tests.faults.loop_monitor")

    _serve_orders()
