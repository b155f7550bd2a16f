"""The HTTP application on a real service and a real database, with scripted steps."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from starlette.routing import compile_path

from solorun.api import Application
from solorun.api.openapi import problems_of
from solorun.api.problems import PROBLEM_JSON, TYPE_PREFIX
from solorun.api.routes import OPERATIONS
from solorun.dashboard import Dashboard
from solorun.projects import Catalog
from solorun.record import Stream
from solorun.run import Run
from solorun.service import Service, ServiceLimits
from solorun.settings import Settings
from tests.fakes.patience import PATIENT_LIMITS
from tests.fakes.project_toml import project_toml
from tests.fakes.steps import ScriptedExecutor, ScriptedStep

BASE_URL = "http://127.0.0.1:8700"
TOKEN = "correct-horse-battery-staple"
BEARER = {"authorization": f"Bearer {TOKEN}"}

TOML = (
    project_toml(
        "handbook", {"extract": ["true"], "generate": ["true"]}, title="Handbook glossary", params=["date", "documents"]
    )
    + project_toml("deploy", {"deploy": ["true"]})
    + project_toml("glossary-*", {"extract": ["true"]}, title="Glossaries")
)


@dataclass
class Served:
    """An application under test."""

    app: Application
    service: Service
    executor: ScriptedExecutor
    client: httpx.AsyncClient

    async def start(self, project: str = "deploy", **body: Any) -> dict[str, Any]:
        """Start a run over HTTP."""
        answer = await self.client.post(f"/api/v1/projects/{project}/runs", json=body)
        assert answer.status_code == 201, answer.text
        run: dict[str, Any] = answer.json()
        return run

    async def begin(self, project: str = "deploy", step: str = "deploy") -> tuple[int, ScriptedStep]:
        """Start a run and wait until its first step has started."""
        run = await self.start(project)
        return run["id"], await self.executor.step(step)

    async def end_of(self, run_id: int) -> Run:
        """Wait until the run has ended."""
        with anyio.fail_after(60):
            return [item async for item in self.service.tail.follow(run_id) if isinstance(item, Run)][-1]

    async def complete(self, project: str = "deploy", step: str = "deploy", lines: list[str] | None = None) -> Run:
        """Run a project to completion, with these lines as output."""
        run_id, scripted = await self.begin(project, step)
        await scripted.context.output.write(step, Stream.STDOUT, lines or [])
        scripted.end()
        return await self.end_of(run_id)

    async def until(self, predicate: Callable[[], bool]) -> None:
        """Wait for a condition that has no event."""
        with anyio.fail_after(60):
            while not predicate():
                await anyio.sleep(0.001)


_OPERATIONS = [(operation, compile_path(operation.path)[0]) for operation in OPERATIONS]


async def check_documented(response: httpx.Response) -> None:
    """Every response to an operation is in the OpenAPI document, in whatever test it appears."""
    path = response.request.url.path
    for operation, pattern in _OPERATIONS:
        if operation.method == response.request.method and pattern.fullmatch(path):
            documented = {spec.status for spec in operation.responses}
            if response.headers["content-type"] == PROBLEM_JSON.decode() and response.status_code not in documented:
                await response.aread()
                slug = response.json()["type"].removeprefix(TYPE_PREFIX)
                assert slug in {problem.slug for problem in problems_of(operation)}, (operation.id, slug)
            else:
                assert response.status_code in documented, (operation.id, response.status_code)
            return


OpenServed = Callable[..., AbstractAsyncContextManager[Served]]


def make_open_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OpenServed:
    """Return a factory of applications. Keyword arguments are settings; `headers` are sent by the client."""

    @asynccontextmanager
    async def open_served(
        *,
        toml: str = TOML,
        headers: Mapping[str, str] | None = None,
        limits: ServiceLimits = PATIENT_LIMITS,
        failure_delay_seconds: float = 0,
        environ: Mapping[str, str] | None = None,
        **settings: Any,
    ) -> AsyncIterator[Served]:
        executor = ScriptedExecutor()
        path = tmp_path / "solorun.toml"
        path.write_text(toml)
        checked = Settings(**{"data_dir": tmp_path / "data", "shutdown_limit_seconds": 5, **settings})
        limits = replace(limits, failure_delay_seconds=failure_delay_seconds)
        catalog = Catalog.open(path)
        async with Service.open(checked, catalog, environ=environ or {}, executor=executor, limits=limits) as service:
            dashboard = Dashboard()
            app = Application(service, dashboard.endpoints, dashboard.show_not_found)
            transport = httpx.ASGITransport(app, client=("127.0.0.1", 5000))
            client = httpx.AsyncClient(
                transport=transport, base_url=BASE_URL, headers=headers, event_hooks={"response": [check_documented]}
            )
            async with client:
                yield Served(app, service, executor, client)

    return open_served
