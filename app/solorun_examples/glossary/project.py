"""Declares the glossary project: writes its solorun.toml for a directory of documents."""

import json
import sys
from pathlib import Path
from typing import Final

DOCUMENTS: Final = Path(__file__).resolve().parent / "documents"
"""The handbook of a small observatory, in English and Japanese."""

_TEMPLATE: Final = """\
# A glossary made from documents. Edit freely: the file is read again before each start.

[projects.glossary]
title = {title}
timeout = "60m"
env = {{ GLOSSARY_DOCUMENTS = {documents} }}

[projects.glossary.params]
documents = {{ description = "Documents or directories to read, separated by commas" }}
pace = {{ type = "number", default = {pace}, min = 0, description = "Seconds that each step takes at least" }}

[[projects.glossary.steps]]
name = "extract"
run = [{python}, "-m", "solorun_examples.glossary.extract"]
"""
_COROUTINE_STEP: Final = """
[[projects.glossary.steps]]
name = "{name}"
call = "solorun_examples.glossary.{name}:{name}"
"""


def write_project(directory: Path, documents: Path, *, pace: int = 0) -> Path:
    """Write `solorun.toml` into `directory`, which is created if missing; returns the file's path.

    By default, each step takes `pace` seconds at least.
    """
    source = documents.resolve()
    values = {"title": f"Glossary of {source.name}", "documents": str(source), "python": sys.executable}
    text = _TEMPLATE.format(**{name: _quote(value) for name, value in values.items()}, pace=pace)
    text += "".join(_COROUTINE_STEP.format(name=name) for name in ("generate", "review", "refine"))
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "solorun.toml"
    path.write_text(text, encoding="utf-8")
    return path


def _quote(text: str) -> str:
    """A JSON string is a TOML string, except that TOML also escapes DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
