"""Factories for the glossary's tests: documents, contexts whose output is kept, entries, a model's endpoint."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio

from solorun.record import Level, Stream
from solorun.step import StepContext
from solorun_examples.glossary.candidates import DEFAULT_LIMIT
from solorun_examples.glossary.entries import Candidate
from solorun_examples.glossary.extract import extract
from tests.examples.endpoint import Behaviour, FakeEndpoint


@dataclass(slots=True)
class KeptOutput:
    """A StepOutput that keeps what is said."""

    lines: list[tuple[str, str]] = field(default_factory=list)
    steps: list[tuple[int, int | None, str]] = field(default_factory=list)

    async def write(
        self,
        step: str,
        stream: Stream,
        lines: Sequence[str],
        *,
        level: Level = Level.INFO,
        partial: bool = False,
    ) -> None:
        self.lines += [(level.value, line) for line in lines]

    async def progress(self, step: str, current: int, total: int | None, item: str = "") -> None:
        self.steps.append((current, total, item))

    async def group(self, step: str, name: str, *, open: bool) -> None:
        raise AssertionError("no step of the glossary groups")

    def add_mask(self, value: str) -> None:
        raise AssertionError("no step of the glossary masks")

    def mask(self, text: str) -> str:
        return text

    def hold_back(self, text: str) -> int:
        return 0

    @property
    def text(self) -> str:
        return "\n".join(line for _, line in self.lines)

    def said(self, level: str) -> list[str]:
        return [line for at, line in self.lines if at == level]


@dataclass(frozen=True, slots=True)
class Bench:
    """A project's directories, and its steps to be run one by one."""

    documents: Path
    workspace: Path
    artifacts: Path
    output: KeptOutput = field(default_factory=KeptOutput)

    def write(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            path = self.documents / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def extract(self, wanted: str = "", limit: int = DEFAULT_LIMIT) -> tuple[Candidate, ...]:
        return extract(self.documents, self.workspace, wanted, limit, lambda line: None)

    def context(self, name: str, params: Mapping[str, str] | None = None) -> StepContext:
        return StepContext("glossary", 1, "full", name, params or {}, self.workspace, self.artifacts, self.output)

    async def run(self, step: Callable[[StepContext], Awaitable[None]], **params: str) -> None:
        await step(self.context(getattr(step, "__name__", ""), params))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    made = Bench(tmp_path / "documents", tmp_path / "workspace", tmp_path / "artifacts")
    made.documents.mkdir()
    made.workspace.mkdir()
    made.artifacts.mkdir()
    return made


@pytest.fixture(autouse=True)
def no_configured_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    """The developer's own settings do not reach the tests, and loopback is reached without a proxy."""
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY", "OPENAI_MODEL", "GLOSSARY_CONCURRENCY", "GLOSSARY_TIMEOUT"):
        monkeypatch.delenv(name, raising=False)
    for name in ("GLOSSARY_ATTEMPTS", "GLOSSARY_FIRST_WAIT", "GLOSSARY_DOCUMENTS", "GLOSSARY_LIMIT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


StartEndpoint = Callable[[Behaviour], Awaitable[FakeEndpoint]]


@pytest_asyncio.fixture
async def start_endpoint(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[StartEndpoint]:
    """Starts an endpoint and configures it in the environment, with waits too short to notice."""
    servers: list[asyncio.Server] = []

    async def start(behaviour: Behaviour) -> FakeEndpoint:
        endpoint = FakeEndpoint(behaviour)
        server = await asyncio.start_server(endpoint.serve, "127.0.0.1", 0)
        servers.append(server)
        endpoint.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        monkeypatch.setenv("OPENAI_BASE_URL", endpoint.url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
        monkeypatch.setenv("OPENAI_MODEL", "fake")
        monkeypatch.setenv("GLOSSARY_FIRST_WAIT", "0.001")
        return endpoint

    yield start
    for server in servers:
        server.close()
        await server.wait_closed()
