"""No source file is longer than 300 lines."""

from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).parents[3]
_MAX_LINES: Final = 300
_SUFFIXES: Final = {".py", ".ts", ".svelte", ".css"}
_GENERATED: Final = {"schema.d.ts"}


def test_no_source_file_has_more_than_300_lines() -> None:
    sources = [
        path
        for folder in ("app/solorun", "app/solorun_examples", "app/dashboard/src", "tests", "docs")
        for path in (_ROOT / folder).rglob("*")
        if path.suffix in _SUFFIXES and path.name not in _GENERATED and "static" not in path.parts
    ]

    assert len(sources) > 1000
    assert [path for path in sources if len(path.read_bytes().splitlines()) > _MAX_LINES] == []
