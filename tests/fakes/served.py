"""The whole service as users have it: `solorun serve` in a process of its own, on a real socket, killed for real."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

START_LIMIT_SECONDS = 20


class ServedService:
    """A service process over one directory; it can die and be started again on the same port and data."""

    def __init__(
        self,
        directory: Path,
        configuration: str,
        environ: dict[str, str],
        program: tuple[str, ...] = ("-m", "solorun"),
    ) -> None:
        self.directory = directory
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.api = f"{self.url}/api/v1"
        self.log_file = directory / "service.log"
        self._environ = environ
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None
        (directory / "solorun.toml").write_text(configuration)

    @property
    def data_dir(self) -> Path:
        return self.directory / ".solorun"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it, and return when it answers."""
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, *self._program, "serve", "--port", str(self.port)],
                cwd=self.directory,
                env={**os.environ, **self._environ},
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + START_LIMIT_SECONDS
        while not self._answers():
            assert self._process.poll() is None, self.log_file.read_text()
            assert time.monotonic() < deadline, self.log_file.read_text()
            time.sleep(0.01)

    def kill(self) -> None:
        """As a crash does: SIGKILL, no farewell."""
        self.signal(signal.SIGKILL)
        self.wait()

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def wait(self, limit_seconds: float = 40) -> int:
        """Its exit code, when it has ended."""
        assert self._process is not None
        return self._process.wait(limit_seconds)

    def stop(self) -> int | None:
        """End it, if it is there."""
        if self._process is None:
            return None
        if self._process.poll() is None:
            self._process.terminate()
        try:
            return self._process.wait(40)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/livez", trust_env=False, timeout=1).status_code == 200
        except httpx.TransportError:
            return False


@contextmanager
def served(directory: Path, configuration: str, **environ: str) -> Iterator[ServedService]:
    """A running service, ended with the block."""
    service = ServedService(directory, configuration, environ)
    try:
        service.start()
        yield service
    finally:
        service.stop()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port
