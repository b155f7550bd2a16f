"""An ASGI server that is not ours, in a process, and a client of the Solorun that it serves."""

import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import httpx_sse

from tests.fakes.solorun_process import LIMIT_SECONDS

_LISTENS = re.compile(r"(?:running on|listening at:) (http://[\d.:]+)", re.IGNORECASE)

UVICORN = ("uvicorn", "--port", "0")
HYPERCORN = ("hypercorn", "--bind", "127.0.0.1:0", "--graceful-timeout", "1")
GUNICORN = ("gunicorn", "--bind", "127.0.0.1:0", "--worker-class", "uvicorn_worker.UvicornWorker")


@dataclass(frozen=True, slots=True)
class AsgiServer:
    """A server process. `client` is below the path at which the application mounts Solorun."""

    process: "subprocess.Popen[bytes]"
    log: Path
    client: httpx.Client

    def start(self, project: str) -> httpx.URL:
        """Start a run, and return its address."""
        started = self.client.post(f"api/v1/projects/{project}/runs")
        assert started.status_code == 201, started.text
        return self.client.base_url.join(started.headers["location"])

    def follow(self, run: httpx.URL, *, until: str) -> list[httpx_sse.ServerSentEvent]:
        """The events of a run's stream, up to the first that contains this text."""
        events = []
        with httpx_sse.connect_sse(self.client, "GET", f"{run}/events") as stream:
            for event in stream.iter_sse():
                events.append(event)
                if until in event.event + event.data:
                    break
        return events

    def status_of(self, run_id: int, data_dir: str = ".solorun") -> str:
        """A run's status in the database, once the server has stopped."""
        with closing(sqlite3.connect(self.log.parent / data_dir / "solorun.db")) as connection:
            (status,) = connection.execute("SELECT status FROM runs WHERE id = ?", (run_id,)).fetchone()
        return str(status)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> str:
        """Stop the server with a signal, and return its log."""
        self.process.send_signal(number)
        self.process.wait(LIMIT_SECONDS)
        return self.log.read_text()


@contextmanager
def asgi_server(server: Sequence[str], application: Sequence[str], directory: Path, path: str) -> Iterator[AsgiServer]:
    """Serve an application, such as `host:app` in a module of this directory, at a free port."""
    with ExitStack() as stack:
        log = directory / "server.log"
        module, *options = server
        process = subprocess.Popen(
            [sys.executable, "-m", module, *options, *application],
            stdout=stack.enter_context(log.open("wb")),
            stderr=subprocess.STDOUT,
            cwd=directory,
        )
        stack.callback(process.wait, LIMIT_SECONDS)
        stack.callback(process.kill)
        url = _wait_for_url(process, log)
        client = stack.enter_context(httpx.Client(base_url=url + path, timeout=LIMIT_SECONDS))
        yield AsgiServer(process, log, client)


def _wait_for_url(process: "subprocess.Popen[bytes]", log: Path) -> str:
    deadline = time.monotonic() + LIMIT_SECONDS
    while not (found := _LISTENS.search(log.read_text())):
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return found[1]
