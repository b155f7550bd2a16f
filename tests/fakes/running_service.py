"""The service as users run it: `solorun serve` in its own process, on a real socket."""

import contextlib
import http.client
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

START_LIMIT_SECONDS = 60


class Process(Protocol):
    """The part of `subprocess.Popen` that is used here."""

    @property
    def pid(self) -> int: ...
    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, sig: int, /) -> None: ...


class ServedService:
    """A service process for one directory. It can be killed and restarted with the same port and data."""

    def __init__(
        self,
        directory: Path,
        configuration: str,
        environ: dict[str, str],
        program: tuple[str, ...] = ("-m", "solorun"),
    ) -> None:
        self.directory = directory
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.api = f"{self.url}/api/v1"
        self.log_file = directory / "service.log"
        self._environ = environ
        self._program = program
        self._process: Process | None = None
        (directory / "solorun.toml").write_text(configuration)

    @property
    def data_dir(self) -> Path:
        return self.directory / ".solorun"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start the service and return when it responds."""
        self._process = self._spawn(["serve", "--port", str(self.port)])
        deadline = time.monotonic() + START_LIMIT_SECONDS
        while not self._answers():
            assert self._process.poll() is None, self.log_file.read_text()
            assert time.monotonic() < deadline, self.log_file.read_text()
            time.sleep(0.01)

    def kill(self) -> None:
        """Crash the service with SIGKILL."""
        self.signal(signal.SIGKILL)
        self.wait()

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def wait(self, limit_seconds: float = 60) -> int:
        """Wait for the process and return its exit code."""
        assert self._process is not None
        return self._process.wait(limit_seconds)

    def stop(self) -> int | None:
        """Stop the service, if it is running."""
        if self._process is None:
            return None
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGKILL)
            return self._process.wait()

    def _spawn(self, arguments: list[str]) -> Process:
        with self.log_file.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, *self._program, *arguments],
                cwd=self.directory,
                env={**os.environ, **self._environ},
                stdout=log,
                stderr=log,
            )

    def _answers(self) -> bool:
        # Creating an httpx client takes longer than a request.
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET", "/livez")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


@contextmanager
def served(
    directory: Path, configuration: str, *, program: tuple[str, ...] = ("-m", "solorun"), **environ: str
) -> Iterator[ServedService]:
    """A running service, stopped at the end of the block."""
    service = ServedService(directory, configuration, environ, program)
    try:
        service.start()
        yield service
    finally:
        service.stop()


@contextmanager
def serving_worker(directory: Path, configuration: str, **environ: str) -> Iterator[None]:
    """A running `solorun worker`, killed at the end of the block."""
    (directory / "solorun.toml").write_text(configuration)
    with (directory / "worker.log").open("wb") as log:
        worker = subprocess.Popen(
            [sys.executable, "-m", "solorun", "worker", "--capacity", "8"],
            cwd=directory,
            env={**os.environ, **environ},
            stdout=log,
            stderr=log,
        )
    try:
        yield
    finally:
        worker.kill()
        worker.wait()


def free_port() -> int:
    """A port to listen on later. The kernel gives none of this range to outgoing connections, which could take it."""
    while True:
        port = 10_000 + secrets.randbelow(22_000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
