"""The example declares itself as a project that a service can read."""

import os
import sys
import tomllib
from pathlib import Path

from solorun_examples.glossary import write_project


def test_a_project_of_four_steps_is_written(tmp_path: Path) -> None:
    documents = tmp_path / 'a "quoted" \\ 名前\x7f'

    path = write_project(tmp_path / "new", documents)

    project = tomllib.loads(path.read_text(encoding="utf-8"))["projects"]["glossary"]
    assert path == tmp_path / "new" / "solorun.toml"
    assert [step["name"] for step in project["steps"]] == ["extract", "generate", "review", "refine"]
    assert project["steps"][0]["run"] == [sys.executable, "-m", "solorun_examples.glossary.extract"]
    assert project["steps"][1]["call"] == "solorun_examples.glossary.generate:generate"
    assert project["env"] == {"GLOSSARY_DOCUMENTS": os.fspath(documents)}
    assert (project["params"], project["secrets"]) == (["documents"], ["OPENAI_API_KEY"])
