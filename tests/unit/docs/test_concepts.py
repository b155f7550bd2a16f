"""Drawings and words agree with the code: the statuses' moves, the tree, the glossary."""

import re
from pathlib import Path

import pytest

from solorun.errors import Problem
from solorun.project import FULL_SCOPE
from solorun.record import Level, Stream
from solorun.status import ACTIVE, TERMINAL, TRANSITIONS, Status, StepStatus
from tests.unit.docs.pages import DOCS, ROOT, codes, rows_after

PACKAGE = ROOT / "app" / "solorun"
STATUSES = (DOCS / "concepts" / "run-statuses.md").read_text(encoding="utf-8")
ARCHITECTURE = (DOCS / "concepts" / "architecture.md").read_text(encoding="utf-8")
GLOSSARY = (DOCS / "glossary.md").read_text(encoding="utf-8")

_ARROW = re.compile(r"^ +(\S+) --> (\S+)(?: : (.+))?$", re.M)
_TREE_LINE = re.compile(r"^  (\S+) {2,}\S", re.M)


def test_the_drawing_of_the_statuses_shows_exactly_the_moves_that_the_store_makes() -> None:
    drawn = {(before, after) for before, after, _ in _ARROW.findall(STATUSES) if "[*]" not in (before, after)}

    assert drawn == {(before.value, after.value) for before, afters in TRANSITIONS.items() for after in afters}


def test_the_drawing_of_the_statuses_begins_with_pending_and_ends_with_what_is_terminal() -> None:
    arrows = [(before, after) for before, after, _ in _ARROW.findall(STATUSES)]

    assert {after for before, after in arrows if before == "[*]"} == {Status.PENDING.value}
    assert {before for before, after in arrows if after == "[*]"} == {status.value for status in TERMINAL}


def test_every_move_of_the_drawing_says_what_makes_it() -> None:
    unexplained = [(before, after) for before, after, why in _ARROW.findall(STATUSES) if after != "[*]" and not why]

    assert unexplained == []


def test_the_tree_shows_every_part_of_the_package_and_nothing_else() -> None:
    shown = {name.rstrip("/") for name in _TREE_LINE.findall(ARCHITECTURE.partition("app/solorun/\n")[2])}

    assert shown == {path.name for path in PACKAGE.iterdir() if _is_part(path)}


def test_the_engine_is_told_file_by_file() -> None:
    rows = rows_after("\n## The engine\n", ARCHITECTURE)

    files = {path.name for path in (PACKAGE / "runs").glob("*.py") if not path.name.startswith("__")}
    assert {codes(row[0])[0] for row in rows} == files


@pytest.mark.parametrize("status", [*StepStatus])
def test_the_glossary_explains_every_status(status: StepStatus) -> None:
    assert f"| **{status}** |" in GLOSSARY


@pytest.mark.parametrize("word", [*Level, *Stream, FULL_SCOPE, "triggered_by"])
def test_the_glossary_knows_the_values_that_people_meet(word: str) -> None:
    assert f"`{word}`" in GLOSSARY or f"**{word}**" in GLOSSARY


def test_the_glossary_counts_active_and_terminal_statuses_right() -> None:
    assert (len(ACTIVE), len(TERMINAL)) == (2, 4)
    assert "Two are active, four are terminal." in GLOSSARY


def test_the_glossary_explains_no_word_twice() -> None:
    words = re.findall(r"^(?:An? |The |To |\| )?\*\*([^*]+)\*\*", GLOSSARY, re.M)

    assert sorted(words) == sorted(set(words))


@pytest.mark.parametrize("slug", ["run-active", "run-not-active", "invalid-request", "draining", "store-unavailable"])
def test_a_slug_that_is_explained_at_length_exists(slug: str) -> None:
    errors = (DOCS / "reference" / "errors.md").read_text(encoding="utf-8")

    assert f"\n## {slug}\n" in errors
    assert slug in {problem.slug for problem in Problem.__subclasses__()}


def _is_part(path: Path) -> bool:
    is_module = path.suffix == ".py" and not path.name.startswith("__")
    return is_module or (path / "__init__.py").is_file()
