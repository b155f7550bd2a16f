"""Signals, sent to a server process with real steps."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.fakes.project_toml import Call, project_toml

PROGRAM = """
import logging, sys
from pathlib import Path
import solorun.server
from solorun.projects import Catalog
from solorun.settings import Settings

logging.basicConfig(level=logging.INFO)
directory, limit = Path(sys.argv[1]), float(sys.argv[2])
settings = Settings(data_dir=directory / "data", port=0, shutdown_limit_seconds=limit)
catalog = Catalog.open(directory / "solorun.toml")
sys.exit(solorun.server.run(settings, catalog, started=lambda url: print(url, flush=True)))
"""

TOML = (
    project_toml("long", {"wait": "echo waiting; exec sleep 600"})
    + project_toml(
        "unkillable", {"wait": "trap '' TERM; echo deaf; until [ -e release ]; do sleep 0.1; done"}, cancel_grace="600s"
    )
    + project_toml("blocking", {"block": Call("blocking_steps:block")})
    + project_toml("standing", {"stand": Call("blocking_steps:stand")})
    + project_toml("handling", {"handle": Call("blocking_steps:handle")})
)

OTHER_TOML = project_toml("other", {"work": ["true"]})

STEPS = """
import asyncio, signal, time
from pathlib import Path

here = Path(__file__).parent

async def block(step):
    await step.log("waiting")
    try:
        await asyncio.sleep(600)
    finally:
        time.sleep(600)

async def stand(step):
    await step.log("waiting")
    while not (here / "go").exists():
        await asyncio.sleep(0.01)
    (here / "blocked").touch()
    time.sleep(600)

async def handle(step):
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, print)
    await step.log("handling")
    await asyncio.sleep(600)
"""


@dataclass
class ServerProcess:
    process: subprocess.Popen[str]
    client: httpx.Client
    directory: Path

    def wait(self) -> int:
        return self.process.wait(60)

    def begin(self, project: str, word: str) -> int:
        """Start a run, and wait until its step has logged this word."""
        run_id: int = self.client.post(f"/api/v1/projects/{project}/runs").json()["id"]
        with self.client.stream("GET", f"/api/v1/runs/{run_id}/events") as stream:
            next(line for line in stream.iter_lines() if f'"message":"{word}"' in line)
        return run_id

    def status_of(self, run_id: int) -> str:
        """The status in the database, after the process has exited."""
        with sqlite3.connect(self.directory / "data" / "solorun.db") as connection:
            (status,) = connection.execute("SELECT status FROM runs WHERE id = ?", (run_id,)).fetchone()
        connection.close()
        return str(status)


StartServer = Callable[..., ServerProcess]


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[StartServer]:
    with ExitStack() as stack:

        def start(*, shutdown_limit_seconds: float = 600) -> ServerProcess:
            (tmp_path / "solorun.toml").write_text(TOML)
            (tmp_path / "blocking_steps.py").write_text(STEPS)
            process = stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", PROGRAM, str(tmp_path), str(shutdown_limit_seconds)],
                    stdout=subprocess.PIPE,
                    stderr=stack.enter_context((tmp_path / "log").open("w")),
                    text=True,
                )
            )
            stack.callback(process.kill)
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            client = stack.enter_context(httpx.Client(base_url=url, timeout=60))
            return ServerProcess(process, client, tmp_path)

        yield start


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_streams_runs_and_process_cleanly(start_server: StartServer, number: int) -> None:
    server = start_server()
    run_id = server.begin("long", "waiting")

    with ExitStack() as stack:
        streams = [stack.enter_context(server.client.stream("GET", f"/api/v1/runs/{run_id}/events")) for _ in range(50)]
        server.process.send_signal(number)
        bodies = [stream.read() for stream in streams]
        code = server.wait()

    assert code == 0
    assert {body.rpartition(b"retry")[2] for body in bodies} == {b": 1000\nevent: shutdown\ndata: {}\n\n"}
    assert server.status_of(run_id) == "interrupted"
    assert "Traceback" not in (server.directory / "log").read_text()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_second_signal_ends_the_process_immediately(start_server: StartServer, number: int, code: int) -> None:
    server = start_server()
    server.begin("unkillable", "deaf")
    server.process.terminate()
    _until(lambda: server.client.get("/readyz").status_code == 503)

    server.process.send_signal(number)

    assert server.wait() == code


def test_a_service_that_is_shutting_down_refuses_starts_and_serves_reads(start_server: StartServer) -> None:
    server = start_server()
    run_id = server.begin("unkillable", "deaf")
    server.process.terminate()
    _until(lambda: server.client.get("/readyz").status_code == 503)

    start = server.client.post("/api/v1/projects/long/runs")
    show = server.client.get(f"/api/v1/runs/{run_id}")

    assert (start.status_code, start.json()["type"]) == (503, "/problems/draining")
    assert int(start.headers["retry-after"]) >= 1
    assert (show.status_code, show.json()["status"]) == (200, "running")
    (server.directory / "release").touch()
    assert server.wait() == 0
    assert server.status_of(run_id) == "interrupted"


def test_the_shutdown_limit_holds_even_if_the_loop_is_blocked(start_server: StartServer) -> None:
    server = start_server(shutdown_limit_seconds=1)
    run_id = server.begin("blocking", "waiting")

    server.process.terminate()

    assert server.wait() == 1
    assert server.status_of(run_id) == "running"
    assert "took longer than its limit" in (server.directory / "log").read_text()


def _block_the_loop(server: ServerProcess) -> None:
    server.begin("standing", "waiting")
    (server.directory / "go").touch()
    _until((server.directory / "blocked").exists)


def test_the_shutdown_limit_counts_from_the_signal_even_if_the_loop_never_sees_it(start_server: StartServer) -> None:
    server = start_server(shutdown_limit_seconds=1)
    _block_the_loop(server)

    server.process.terminate()

    assert server.wait() == 1
    log = (server.directory / "log").read_text()
    assert "SIGTERM: shutting down" in log
    assert "took longer than its limit" in log


def test_a_second_signal_ends_a_process_whose_loop_is_blocked(start_server: StartServer) -> None:
    server = start_server(shutdown_limit_seconds=600)
    _block_the_loop(server)
    server.process.terminate()
    _until(lambda: "SIGTERM: shutting down" in (server.directory / "log").read_text())

    server.process.send_signal(signal.SIGINT)

    assert server.wait() == 130


def test_a_step_that_handles_signals_does_not_keep_the_service_from_its_own(start_server: StartServer) -> None:
    server = start_server()
    run_id = server.begin("handling", "handling")

    server.process.terminate()

    assert server.wait() == 0
    assert server.status_of(run_id) == "interrupted"


def test_sighup_reloads_the_file(start_server: StartServer) -> None:
    server = start_server()
    (server.directory / "solorun.toml").write_text(OTHER_TOML)

    server.process.send_signal(signal.SIGHUP)

    _until(
        lambda: [project["name"] for project in server.client.get("/api/v1/projects").json()["projects"]] == ["other"]
    )
    server.process.terminate()
    assert server.wait() == 0


def _until(predicate: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not predicate():
        assert time.monotonic() < deadline
        os.sched_yield()
