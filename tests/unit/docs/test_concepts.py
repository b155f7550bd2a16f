"""The concept pages agree with the code: status transitions, the layers, the glossary."""

import ast
import re
import tomllib

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


def test_the_status_diagram_shows_exactly_the_transitions_of_the_store() -> None:
    drawn = {(before, after) for before, after, _ in _ARROW.findall(STATUSES) if "[*]" not in (before, after)}

    assert drawn == {(before.value, after.value) for before, afters in TRANSITIONS.items() for after in afters}


def test_the_status_diagram_starts_with_pending_or_queued_and_ends_with_the_terminal_statuses() -> None:
    arrows = [(before, after) for before, after, _ in _ARROW.findall(STATUSES)]

    assert {after for before, after in arrows if before == "[*]"} == {Status.PENDING.value, Status.QUEUED.value}
    assert {before for before, after in arrows if after == "[*]"} == {status.value for status in TERMINAL}


def test_every_transition_of_the_diagram_has_a_label() -> None:
    unexplained = [(before, after) for before, after, why in _ARROW.findall(STATUSES) if after != "[*]" and not why]

    assert unexplained == []


def test_the_architecture_shows_the_layers_that_the_linter_enforces() -> None:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = [one for one in pyproject["tool"]["importlinter"]["contracts"] if one["type"] == "layers"]
    layers = [[_part(name) for name in layer.split(" | ")] for layer in contract["layers"]]
    values = layers.index(["errors.py"])

    shown = [codes(row[0]) for row in rows_after("\n## Layers\n", ARCHITECTURE)]

    assert shown == [*layers[:values], [name for layer in layers[values:] for name in layer]]


def test_the_architecture_names_only_files_and_folders_that_exist() -> None:
    named = {name for name in codes(ARCHITECTURE) if name.endswith((".py", "/")) and not name.startswith("app/")}

    assert {name for name in named if not (PACKAGE / name).exists()} == set()


@pytest.mark.parametrize("folder", sorted(path.parent.name for path in PACKAGE.glob("*/__init__.py")))
def test_a_folder_introduces_all_of_its_modules(folder: str) -> None:
    introduction = ast.get_docstring(ast.parse((PACKAGE / folder / "__init__.py").read_text(encoding="utf-8")))

    modules = {path.stem for path in (PACKAGE / folder).glob("[!_]*.py")}

    assert modules - set(codes(introduction or "")) == set()


@pytest.mark.parametrize("status", [*StepStatus])
def test_the_glossary_explains_every_status(status: StepStatus) -> None:
    assert f"| **{status}** |" in GLOSSARY


@pytest.mark.parametrize("word", [*Level, *Stream, FULL_SCOPE, "triggered_by"])
def test_the_glossary_lists_the_values_that_users_see(word: str) -> None:
    assert f"`{word}`" in GLOSSARY or f"**{word}**" in GLOSSARY


def test_the_glossary_counts_active_and_terminal_statuses_correctly() -> None:
    assert (len(ACTIVE), len(TERMINAL)) == (2, 4)
    assert "Two are active, four are terminal, and `queued` is neither." in GLOSSARY


def test_the_glossary_defines_no_term_twice() -> None:
    terms = re.findall(r"^(?:\| )?\*\*([^*]+)\*\*", GLOSSARY, re.M)

    assert sorted(terms) == sorted(set(terms))


@pytest.mark.parametrize("slug", ["run-active", "run-not-active", "invalid-request", "draining", "store-unavailable"])
def test_a_slug_with_a_section_exists(slug: str) -> None:
    errors = (DOCS / "reference" / "errors.md").read_text(encoding="utf-8")

    assert f"\n## {slug}\n" in errors
    assert slug in {problem.slug for problem in Problem.__subclasses__()}


def _part(name: str) -> str:
    return f"{name}/" if (PACKAGE / name).is_dir() else f"{name}.py"
