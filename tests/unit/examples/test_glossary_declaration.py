"""The example declares itself as a project that a service can read."""

import os
import sys
import tomllib
from pathlib import Path

import pytest

from solorun.examples.glossary import declaration, default_documents, write_project


def test_a_project_of_four_steps_is_written(tmp_path: Path) -> None:
    documents = tmp_path / 'a "quoted" \\ 名前\x7f'

    path = write_project(tmp_path / "new", documents)

    project = tomllib.loads(path.read_text(encoding="utf-8"))["projects"]["glossary"]
    assert path == tmp_path / "new" / "solorun.toml"
    assert [step["name"] for step in project["steps"]] == ["extract", "generate", "review", "refine"]
    assert project["steps"][0]["run"] == [sys.executable, "-m", "solorun.examples.glossary.extract"]
    assert project["steps"][1]["call"] == "solorun.examples.glossary.generate:generate"
    assert project["env"] == {"GLOSSARY_DOCUMENTS": os.fspath(documents)}
    assert (project["params"], project["secrets"]) == (["documents"], ["OPENAI_API_KEY"])


@pytest.mark.parametrize(
    ("present", "expected"),
    [
        (("pyproject.toml", "docs/a.md", "app/solorun/examples/glossary/solorun_docs/a.md"), "docs"),
        (
            ("docs/a.md", "app/solorun/examples/glossary/solorun_docs/a.md"),
            "app/solorun/examples/glossary/solorun_docs",
        ),
        (("pyproject.toml", "docs/a.png", "app/solorun/x.py"), "app/solorun/examples/glossary/documents"),
    ],
)
def test_the_documentation_is_found_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, present: tuple[str, ...], expected: str
) -> None:
    package = tmp_path / "app" / "solorun" / "examples" / "glossary"
    for name in present:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    monkeypatch.setattr(declaration, "PACKAGE", package)
    monkeypatch.setattr(declaration, "SAMPLE_DOCUMENTS", package / "documents")

    assert default_documents() == tmp_path / expected
