"""A short list of stilted phrases stays out of pages, comments, strings and the names of tests."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.unit.docs.pages import PAGES, ROOT, name_of
from tests.unit.docs.prose import read_prose

BANNED: Final = (
    r"nobody",
    r"somebody",
    r"whoever",
    r"anew",
    r"besides",
    r"at last",
    r"lest",
    r"mend(?:s|ed|ing)?",
    r"told",
    r"tells? of",
    r"so many",
    r"as \w+ as (?:it|they) may",
    r"also (?:before|when|where|if)",
    r"(?:is|are) asked for",
    r"what (?:it is|they are) for",
    r"the other way round",
    r"(?:as|by|for|of|than|to|with) who",
)
"""Phrases as regular expressions. A space stands for any white space, and case does not matter."""

_PHRASE: Final = re.compile("|".join(rf"\b{phrase}\b".replace(" ", r"\s+") for phrase in BANNED), re.I)
_NAME_ONLY: Final = re.compile(r"^who\b|\b(?:and|one|those) who\b|\bat once\b", re.I)
"""Phrases that are wrong in a test's name, but may be right in a text."""
_LEADING_SO: Final = re.compile(r"(?:^[ \t]*|[.!?:]\s)(?P<phrase>So (?!far\b))", re.M)

_CODE_SUFFIXES: Final = frozenset({".py", ".sql", ".ts", ".svelte", ".css", ".html"})
_CODE: Final = [
    path
    for folder in ("app/solorun", "app/solorun_examples", "app/dashboard/src", "tests")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in _CODE_SUFFIXES and path.is_file() and "static" not in path.parts and path != Path(__file__)
]


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_a_page_uses_no_banned_phrase(path: Path) -> None:
    assert list(_find_banned(path)) == []


def test_test_names_use_no_banned_phrase() -> None:
    names = [name for path in sorted((ROOT / "tests").rglob("test_*.py")) for name in _test_names_of(path)]

    assert [name for name in names if _PHRASE.search(name) or _NAME_ONLY.search(name)] == []


@pytest.mark.parametrize("path", _CODE, ids=name_of)
def test_comments_and_strings_use_no_banned_phrase(path: Path) -> None:
    assert list(_find_banned(path)) == []


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("page.md", "One.\n\nIt is refused, also\nwhen it is late.", "3: also when"),
        ("page.md", "It is early. So it waits.", "1: So"),
        ("code.py", 'x = 1\n"""Nobody\nwaits."""\n', "2: Nobody"),
        ("code.py", "x = 1  # read at\n# last\n", "1: at last"),
        ("code.py", 'x = ("so "\n     "many")\n', "1: so many"),
        ("code.py", 'x = f"{y} was told"\n', "1: told"),
        ("code.ts", "// refused, also\n// when late\n", "1: also when"),
        ("code.svelte", "<p>Nobody</p>\n", "1: Nobody"),
    ],
)
def test_a_banned_phrase_is_reported_with_its_file_and_line(
    name: str, text: str, expected: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")

    assert list(_find_banned(path)) == [f"{path}:{expected}"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("page.md", "<!-- generated: problems -->\nNobody\n<!-- end -->\n"),
        ("code.py", "told = besides(1)\n"),
        ("code.py", 'x = ("at", "last")\n'),
        ("code.py", "# at\nx = 1  # last\n"),
        ("code.py", "# the last of them: at last_seq\n"),
    ],
)
def test_code_and_generated_blocks_are_not_prose(name: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")

    assert list(_find_banned(path)) == []


def _test_names_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield node.name.removeprefix("test_").replace("_", " ")


def _find_banned(path: Path) -> Iterator[str]:
    """Each banned phrase as `file:line: phrase`, in the order of the file."""
    prose = read_prose(path)
    found = [(match.start(), match[0]) for match in _PHRASE.finditer(prose)]
    found += [(match.start("phrase"), match["phrase"]) for match in _LEADING_SO.finditer(prose)]
    for start, phrase in sorted(found):
        line = prose.count("\n", 0, start) + 1
        yield f"{_shown_name(path)}:{line}: {' '.join(phrase.split())}"


def _shown_name(path: Path) -> str:
    return name_of(path) if path.is_relative_to(ROOT) else str(path)
