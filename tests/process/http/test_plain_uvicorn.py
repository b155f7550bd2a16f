"""The service under a plain uvicorn, alone and mounted in another application: no class of our own server is used."""

import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import httpx
import httpx_sse
import pytest

from tests.fakes.project_toml import project_toml
from tests.fakes.solorun_process import LIMIT_SECONDS

TOML = project_toml("report", {"write": "echo hello; echo done > $SOLORUN_ARTIFACTS/report.txt"}) + project_toml(
    "long", {"wait": "echo waiting; exec sleep 60"}
)

SAMPLE = Path(__file__).parents[3] / "docs" / "samples" / "host.py"
ALONE = (["--factory", "solorun.asgi:solorun_app"], "/")
MOUNTED = (["host:app"], "/tools/runs/")


class Server:
    """A server process, and a client of the service in it."""

    def __init__(self, process: "subprocess.Popen[bytes]", log: Path, client: httpx.Client) -> None:
        self.client = client
        self._process = process
        self._log = log

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

    def status_of(self, run_id: int) -> str:
        """A run's status in the database, once the server has stopped."""
        with closing(sqlite3.connect(self._log.parent / ".solorun" / "solorun.db")) as connection:
            (status,) = connection.execute("SELECT status FROM runs WHERE id = ?", (run_id,)).fetchone()
        return str(status)

    def stop(self) -> str:
        """Stop the server with SIGTERM, and return its log."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(LIMIT_SECONDS)
        return self._log.read_text()


StartServer = Callable[[list[str], str, str], Server]


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[StartServer]:
    with ExitStack() as stack:

        def start(application: list[str], path: str, http: str) -> Server:
            (tmp_path / "solorun.toml").write_text(TOML)
            shutil.copy(SAMPLE, tmp_path)
            log = tmp_path / "server.log"
            options = ["--http", http, "--port", "0"]
            process = subprocess.Popen(
                [sys.executable, "-m", "uvicorn", *application, *options],
                stdout=stack.enter_context(log.open("wb")),
                stderr=subprocess.STDOUT,
                cwd=tmp_path,
            )
            stack.callback(process.wait)
            stack.callback(process.kill)
            url = _wait_for_url(process, log)
            return Server(process, log, stack.enter_context(httpx.Client(base_url=url + path, timeout=LIMIT_SECONDS)))

        yield start


def _wait_for_url(process: "subprocess.Popen[bytes]", log: Path) -> str:
    deadline = time.monotonic() + LIMIT_SECONDS
    while not (found := re.search(r"running on (http://[\d.:]+)", log.read_text())):
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return found[1]


@pytest.mark.parametrize(("application", "path"), [ALONE, MOUNTED], ids=["alone", "mounted"])
@pytest.mark.parametrize("http", ["httptools", "h11"])
def test_a_plain_uvicorn_serves_runs_streams_and_downloads_and_stops(
    start_server: StartServer, application: list[str], path: str, http: str
) -> None:
    server = start_server(application, path, http)

    report = server.start("report")
    events = server.follow(report, until="end{")
    text = server.client.get(f"{report}/log.txt").text
    artifact = server.client.get(f"{report}/artifacts/report.txt").text
    long = server.start("long")
    server.follow(long, until="waiting")
    cancelled = server.client.post(f"{long}/cancel")
    ending = server.follow(long, until="end{")[-1]
    server.start("long")
    with server.client.stream("GET", "api/v1/events") as stream:
        lines = stream.iter_lines()
        next(lines)
        log = server.stop()
        rest = list(lines)

    assert [event.event for event in events] == ["step", "log", "artifact", "step", "end"]
    assert "hello" in text
    assert artifact == "done\n"
    assert cancelled.status_code == 202
    assert ending.json()["status"] == "cancelled"
    assert "event: shutdown" in rest
    assert "Application shutdown complete." in log
    assert server.status_of(3) == "interrupted"


def test_the_application_serves_requests_only_within_its_lifespan(start_server: StartServer, tmp_path: Path) -> None:
    (tmp_path / "solorun.toml").write_text(TOML)
    program = "import asyncio, solorun.asgi; asyncio.run(solorun.asgi.solorun_app()({'type': 'http'}, None, None))"

    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, timeout=60)

    assert "enter its `lifespan`" in ended.stderr
