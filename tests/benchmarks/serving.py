"""Runs the service and the limits as separate processes, so that the CPU time of each can be read."""

import asyncio
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final

import httpx

from tests.benchmarks.samples import write_lines
from tests.fakes.project_toml import Call, Step, project_toml
from tests.fakes.running_service import ServedService, served

PROJECT_DIR: Final = Path(__file__).parent / "project"
ACTIVE: Final = ("pending", "running")
_PROJECTS: Final = ("nothing", "hold", "flood", "pace", "clock")
_PARAMS: Final = ["count", "rate", "gate", "lines"]


class Ours:
    """A service with the benchmarks' projects, and an HTTP client for requests that are not measured."""

    def __init__(self, service: ServedService, http: httpx.AsyncClient) -> None:
        self.service = service
        self.http = http
        self.lines = write_lines(service.directory / "lines.txt")
        self._gates = 0
        self.held = 0
        """A run that stays active."""

    @property
    def pid(self) -> int:
        return self.service.pid

    @property
    def port(self) -> int:
        return self.service.port

    async def start(self, project: str, **params: object) -> int:
        """Start a run; returns its id."""
        body = {"params": {"lines": str(self.lines), **{name: str(value) for name, value in params.items()}}}
        answer = await self.http.post(f"/projects/{project}/runs", json=body)
        assert answer.status_code == 201, answer.text
        run_id: int = answer.json()["id"]
        return run_id

    async def get(self, run_id: int) -> dict[str, Any]:
        run: dict[str, Any] = (await self.http.get(f"/runs/{run_id}")).json()
        return run

    async def running(self, run_id: int) -> None:
        """Wait until its step is running."""
        while (await self.get(run_id))["current_step"] is None:
            await asyncio.sleep(0.01)

    async def logged(self, run_id: int, message: str) -> None:
        """Wait until its step has logged this, since a step becomes the current one slightly before it begins."""
        while not (await self.http.get(f"/runs/{run_id}/log", params={"q": message})).json()["records"]:
            await asyncio.sleep(0.01)

    async def ended(self, run_id: int) -> dict[str, Any]:
        """Wait for the run's end; returns the run."""
        while (run := await self.get(run_id))["status"] in ACTIVE:
            await asyncio.sleep(0.02)
        return run

    async def cancel(self, run_id: int) -> None:
        await self.http.post(f"/runs/{run_id}/cancel")
        await self.ended(run_id)

    def new_gate(self) -> Path:
        """A file that does not exist yet: runs that wait for it begin when it is touched."""
        self._gates += 1
        return self.service.directory / f"gate-{self._gates}"


@asynccontextmanager
async def ours(extra: str = "") -> AsyncIterator[Ours]:
    """A running service. `extra` is appended to its configuration."""
    with tempfile.TemporaryDirectory(prefix="solorun-benchmark-") as directory:
        async with serving(Path(directory), extra) as service:
            yield service


@asynccontextmanager
async def serving(directory: Path, extra: str = "") -> AsyncIterator[Ours]:
    """A running service on existing data."""
    with served(directory, f"{BENCHMARK_PROJECTS}\n{extra}") as service:
        async with httpx.AsyncClient(base_url=service.api, trust_env=False, timeout=60) as http:
            yield Ours(service, http)


def project(name: str, work: str, **keys: object) -> str:
    """A project whose step is this function of the workload."""
    return _project(name, Call(f"workload:{work}"), **keys)


def command_project(name: str, command: str) -> str:
    """A project whose step is this shell command."""
    return _project(name, command)


def _project(name: str, step: Step, **keys: object) -> str:
    return project_toml(name, {"work": step}, dir=str(PROJECT_DIR), params=_PARAMS, **keys)


BENCHMARK_PROJECTS: Final = "\n".join(project(name, name) for name in _PROJECTS)


class Limit:
    """The server of a limit."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int) -> None:
        self.pid = process.pid
        self.port = port


@contextmanager
def limit(kind: str, *arguments: str) -> Iterator[Limit]:
    """Run one of the servers in `limits.py`."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.limits", kind, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        yield Limit(process, int(process.stdout.readline()))
    finally:
        process.terminate()
        process.communicate()
