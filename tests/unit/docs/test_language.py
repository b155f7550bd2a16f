"""A short list of stilted phrases stays out of pages, comments, strings and the names of tests."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from tests.unit.docs.pages import PAGES, ROOT, name_of
from tests.unit.docs.prose import FILLER, read_prose

_BANNED: Final = tuple(Path(__file__).with_name("banned_phrases.txt").read_text(encoding="utf-8").splitlines())
"""Phrases as regular expressions. A space stands for any white space, and case does not matter, unless the phrase
begins with ^: it is then banned at the beginning of a sentence only.
"""
_NAME_ONLY: Final = re.compile(r"^who\b|\b(?:and|one|those) who\b|\bat once\b", re.I)
"""Phrases that are wrong in a test's name, but may be right in a text."""
_SENTENCE_START: Final = rf"(?:^[ \t>|*-]*|{FILLER}[ \t]*|[.!?:]\s+)"

_EXAMPLES: Final = (r"^Hence\b(?! the\b)", "blue moons?")

_SUFFIXES: Final = frozenset({".py", ".sql", ".ts", ".svelte", ".css", ".html", ".md"})
_FILES: Final = [
    *(ROOT / name for name in ("pyproject.toml", "Dockerfile", "docker-compose.yml", ".ci/run")),
    *(
        path
        for folder in ("app/solorun", "app/solorun_examples", "app/dashboard/src", "tests")
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in _SUFFIXES and path.is_file() and "static" not in path.parts
    ),
]


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_a_page_uses_no_banned_phrase(path: Path) -> None:
    assert list(_find_banned(path)) == []


def test_test_names_use_no_banned_phrase() -> None:
    names = [name for path in sorted((ROOT / "tests").rglob("test_*.py")) for name in _test_names_of(path)]

    assert [name for name in names if _NAME_ONLY.search(name) or _find_phrases(name, _BANNED)] == []


@pytest.mark.parametrize("path", _FILES, ids=name_of)
def test_comments_and_strings_use_no_banned_phrase(path: Path) -> None:
    assert list(_find_banned(path)) == []


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("page.md", "One.\n\nIt is a blue\nmoon.", "3: blue moon"),
        ("page.md", "It is early. Hence it waits.", "1: Hence"),
        ("page.md", "It is early. Hence\nit waits.", "1: Hence"),
        ("page.md", "It is early.\n- Hence it waits.", "2: Hence"),
        ("code.py", 'x = f("Hence it waits")\n', "1: Hence"),
        ("code.py", 'x = 1\n"""Blue moons\nwait."""\n', "2: Blue moons"),
        ("code.py", "x = 1  # a blue\n# moon\n", "1: blue moon"),
        ("code.py", 'x = ("a blue "\n     "moon")\n', "1: blue moon"),
        ("code.py", 'x = f"{y} blue moon"\n', "1: blue moon"),
        ("code.ts", "// a blue\n// moon\n", "1: blue moon"),
        ("code.svelte", "<p>Blue moon</p>\n", "1: Blue moon"),
    ],
)
def test_a_banned_phrase_is_reported_with_its_file_and_line(
    name: str, text: str, expected: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")

    assert list(_find_banned(path, _EXAMPLES)) == [f"{path}:{expected}"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("page.md", "<!-- generated: problems -->\nBlue moon\n<!-- end -->\n"),
        ("page.md", "It is late, and hence it waits. Hence\n  the wait."),
        ("code.py", "blue = moon(1)\n"),
        ("code.py", 'x = ("blue", "moon")\n'),
        ("code.py", "# blue\nx = 1  # moon\n"),
        ("code.py", "# the last of them: a blue moon_id\n"),
    ],
)
def test_code_and_generated_blocks_are_not_prose(name: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")

    assert list(_find_banned(path, _EXAMPLES)) == []


def _test_names_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield node.name.removeprefix("test_").replace("_", " ")


def _find_banned(path: Path, banned: tuple[str, ...] = _BANNED) -> Iterator[str]:
    """Each banned phrase as `file:line: phrase`, in the order of the file."""
    prose = read_prose(path)
    for start, phrase in _find_phrases(prose, banned):
        line = prose.count("\n", 0, start) + 1
        yield f"{_shown_name(path)}:{line}: {' '.join(phrase.split())}"


def _find_phrases(prose: str, banned: tuple[str, ...]) -> list[tuple[int, str]]:
    """Each banned phrase with its position."""
    return sorted(
        (match.start("phrase"), match["phrase"]) for pattern in _compile(banned) for match in pattern.finditer(prose)
    )


@cache
def _compile(banned: tuple[str, ...]) -> tuple[re.Pattern[str], re.Pattern[str]]:
    leading, others = (
        "|".join(phrase.removeprefix("^") for phrase in banned if phrase.startswith("^") is leads).replace(" ", r"\s+")
        for leads in (True, False)
    )
    return (
        re.compile(rf"{_SENTENCE_START}(?P<phrase>{leading})", re.M),
        re.compile(rf"\b(?P<phrase>{others})\b", re.I),
    )


def _shown_name(path: Path) -> str:
    return name_of(path) if path.is_relative_to(ROOT) else str(path)
