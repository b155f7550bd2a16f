"""The glossary as a project of a real service: its scopes, its failures, its cancellation."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from solorun.projects import Catalog
from solorun.run import Run
from solorun.segment import Segment
from solorun.service import Service
from solorun.settings import Settings
from solorun_examples.glossary import write_project
from solorun_examples.glossary.declaration import SAMPLE_DOCUMENTS
from tests.examples.conftest import StartEndpoint
from tests.examples.endpoint import Reply

LIMIT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Project:
    """The example on a service, from start to end."""

    service: Service

    async def start(self, scope: str = "full", **params: str) -> Run:
        return await self.service.manager.start_run("glossary", scope=scope, params=params)

    async def end_of(self, run: Run) -> tuple[Run, str]:
        """The run as it ended, and its log."""
        lines: list[str] = []
        async for item in self.service.tail.follow(run.id):
            match item:
                case Segment():
                    lines += [json.loads(line)["message"] for line in item.lines()]
                case Run():
                    return item, "\n".join(lines)
        raise AssertionError("the stream ended without the run")

    async def run(self, scope: str = "full", **params: str) -> tuple[Run, str]:
        return await self.end_of(await self.start(scope, **params))

    def artifacts(self, run: Run) -> list[str]:
        directory = self.service.directory.artifacts(run.id)
        return sorted(path.name for path in directory.iterdir()) if directory.is_dir() else []


@asynccontextmanager
async def open_project(directory: Path, documents: Path) -> AsyncIterator[Project]:
    catalog = Catalog.open(write_project(directory, documents))
    async with Service.open(Settings(data_dir=directory / "data"), catalog) as service:
        yield Project(service)


async def test_every_scope_makes_sense(tmp_path: Path) -> None:
    async with open_project(tmp_path, SAMPLE_DOCUMENTS) as project:
        early, explanation = await project.run("generate")
        full, log = await project.run()
        extracted, _ = await project.run("extract", documents="night-sky.md")
        later, _ = await project.run("from:generate")
        last, _ = await project.run("refine")

        assert early.status == "failed"
        assert "There is no candidates.json in the workspace: run the step extract first." in explanation
        assert [run.status for run in (full, extracted, later, last)] == ["completed"] * 4
        assert [step.status for step in full.steps] == ["completed"] * 4
        assert "Reviewed" in log
        assert [project.artifacts(run) for run in (full, extracted, last)] == [
            ["glossary.json", "glossary.md"],
            [],
            ["glossary.json", "glossary.md"],
        ]


async def test_a_directory_without_documents_fails_the_run(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    async with open_project(tmp_path, tmp_path / "empty") as project:
        run, log = await project.run()

    assert run.status == "failed"
    assert [step.status for step in run.steps] == ["failed", "skipped", "skipped", "skipped"]
    assert "There are no documents" in log


async def test_a_cancel_closes_the_questions_to_a_silent_model(tmp_path: Path, start_endpoint: StartEndpoint) -> None:
    endpoint = await start_endpoint(lambda number, question: Reply(hangs=True))
    async with open_project(tmp_path, SAMPLE_DOCUMENTS) as project:
        started = await project.start()
        await asyncio.wait_for(endpoint.hanging.wait(), LIMIT_SECONDS)

        await project.service.manager.cancel_run(started.id)
        run, log = await asyncio.wait_for(project.end_of(started), LIMIT_SECONDS)

        await asyncio.wait_for(endpoint.all_closed.wait(), LIMIT_SECONDS)
        assert run.status == "cancelled"
        assert "still working" not in log
        assert "sk-very-secret" not in log
        assert project.artifacts(run) == []
