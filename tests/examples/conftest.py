"""The glossary's steps on documents that a test writes, one step at a time."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from solorun.record import Level
from solorun.step import StepContext
from solorun_examples.glossary.extract import extract
from solorun_examples.glossary.generate import generate
from solorun_examples.glossary.refine import refine
from solorun_examples.glossary.review import review
from tests.fakes.step_output import RecordedOutput

Step = Callable[[StepContext], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Bench:
    documents: Path
    workspace: Path
    artifacts: Path
    output: RecordedOutput = field(default_factory=RecordedOutput)

    def write(self, **documents: str) -> None:
        """Write Markdown documents by their names without the suffix."""
        for name, text in documents.items():
            (self.documents / f"{name}.md").write_text(text, encoding="utf-8")

    async def run(self, step: Step, **params: object) -> None:
        await step(StepContext("glossary", 1, "full", "test", params, self.workspace, self.artifacts, self.output))

    async def make_glossary(self, wanted: str = "") -> dict[str, str]:
        """Run all steps; returns the definitions by term."""
        extract(self.documents, self.workspace, wanted)
        for step in (generate, review, refine):
            await self.run(step)
        content = json.loads((self.artifacts / "glossary.json").read_bytes())
        return {entry["term"]: entry["definitions"][0]["text"] for entry in content["entries"]}

    def warnings(self) -> list[str]:
        return [record.text for record in self.output.records if record.level is Level.WARNING]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    made = Bench(tmp_path / "documents", tmp_path / "workspace", tmp_path / "artifacts")
    for directory in (made.documents, made.workspace, made.artifacts):
        directory.mkdir()
    return made
