"""The glossary as a project: its declaration, and its scopes on a real service."""

import json
import os
import sys
import tomllib
from pathlib import Path

import pytest

from solorun.projects import Catalog
from solorun.run import Run
from solorun.segment import Segment
from solorun.service import Service
from solorun.settings import Settings
from solorun_examples.glossary import DOCUMENTS, write_project


def test_the_declaration_names_the_documents_and_the_steps(tmp_path: Path) -> None:
    documents = tmp_path / 'über "uns"\x7f'

    path = write_project(tmp_path / "new", documents)

    project = tomllib.loads(path.read_text(encoding="utf-8"))["projects"]["glossary"]
    assert project["title"] == f"Glossary of {documents.name}"
    assert project["env"] == {"GLOSSARY_DOCUMENTS": os.fspath(documents)}
    assert project["steps"] == [
        {"name": "extract", "run": [sys.executable, "-m", "solorun_examples.glossary.extract"]},
        {"name": "generate", "call": "solorun_examples.glossary.generate:generate"},
        {"name": "review", "call": "solorun_examples.glossary.review:review"},
        {"name": "refine", "call": "solorun_examples.glossary.refine:refine"},
    ]


@pytest.mark.parametrize("pace", [0, 9])
def test_the_pace_is_the_default_of_a_parameter(tmp_path: Path, pace: int) -> None:
    catalog = Catalog.open(write_project(tmp_path, DOCUMENTS, pace=pace))

    params = {param.name: param.default for param in catalog.configuration.get_project("glossary").params}
    assert params == {"documents": None, "pace": pace}


async def run(service: Service, scope: str = "full", **params: str) -> tuple[Run, str]:
    """Run a scope to its end; returns the run and its log."""
    started = await service.manager.start_run("glossary", scope=scope, params=params)
    messages: list[str] = []
    async for item in service.tail.follow(started.id):
        match item:
            case Segment():
                messages += [json.loads(line)["message"] for line in item.lines()]
            case Run():
                return item, "\n".join(messages)
    raise AssertionError("the stream ended without the run")


async def test_every_scope_continues_from_the_results_of_the_last_run(tmp_path: Path) -> None:
    catalog = Catalog.open(write_project(tmp_path, DOCUMENTS))
    async with Service.open(Settings(data_dir=tmp_path / "data"), catalog) as service:
        full, log = await run(service)
        extracted, _ = await run(service, "extract", documents="sky.md")
        later, _ = await run(service, "from:generate")

        directory = service.directory.artifacts(later.id)
        assert [one.status for one in (full, extracted, later)] == ["completed"] * 3
        assert "Wrote 103 entries" in log
        assert sorted(path.name for path in directory.iterdir()) == ["glossary.json", "glossary.md"]
