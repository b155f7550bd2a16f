"""Declares the glossary as a project: writes its solorun.toml, and knows the documents to use when none are named."""

import json
import sys
from pathlib import Path
from typing import Final

PROJECT: Final = "glossary"
PACKAGE: Final = Path(__file__).resolve().parent
SAMPLE_DOCUMENTS: Final = PACKAGE / "documents"

# JSON strings are TOML basic strings, as long as only what JSON must escape is escaped.
_TEMPLATE: Final = """\
# A glossary made from documents. Edit freely: the file is read again before each start.

[projects.{project}]
title = "Glossary of {title}"
timeout = "60m"
secrets = ["OPENAI_API_KEY"]
params = ["documents"]
env = {{ GLOSSARY_DOCUMENTS = {documents} }}

[[projects.{project}.steps]]
name = "extract"
run = [{python}, "-m", "solorun_examples.glossary.extract"]

[[projects.{project}.steps]]
name = "generate"
call = "solorun_examples.glossary.generate:generate"

[[projects.{project}.steps]]
name = "review"
call = "solorun_examples.glossary.review:review"

[[projects.{project}.steps]]
name = "refine"
call = "solorun_examples.glossary.refine:refine"
"""


def write_project(directory: Path, documents: Path) -> Path:
    """Write `solorun.toml` into `directory` (made if missing), for the documents given; returns the file's path."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "solorun.toml"
    source = documents.resolve()
    text = _TEMPLATE.format(
        project=PROJECT,
        title=_quoted(source.name)[1:-1],
        documents=_quoted(str(source)),
        python=_quoted(sys.executable),
    )
    path.write_text(text, encoding="utf-8")
    return path


def default_documents() -> Path:
    return SAMPLE_DOCUMENTS


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
