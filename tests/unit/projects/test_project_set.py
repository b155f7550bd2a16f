"""Projects that a program declares: the same keys, rules and messages as in solorun.toml."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from solorun import Command, Coroutine, Function, FunctionContext, Project, StepContext
from solorun.declaration import CommandKeys, ProjectKeys, StepKeys
from solorun.embedded import SolorunKeys
from solorun.errors import ConfigurationInvalid, ProjectNotFound
from solorun.project import CommandStep, CoroutineStep
from solorun.projects import TOP_KEYS, Catalog, ProjectSet
from solorun.projects.project_tables import PROJECT_KEYS
from solorun.projects.service_table import SERVICE_READERS
from solorun.projects.step_tables import STEP_KEYS

TOML = """
[resources.gpu]
slots = 2

[projects.handbook]
title = "The handbook"
timeout = "30m"
cancel_grace = "10s"
env = { LANG = "C" }
on_conflict = "queue"
resources = { gpu = 2 }

[projects.handbook.params.edition]
type = "integer"
min = 1

[[projects.handbook.steps]]
name = "collect"
run = "python3 collect.py"
timeout = "5m"

[[projects.handbook.steps]]
name = "build"
run = ["make", "-j"]
tty = true
"""


NO_ARGUMENTS = {"service", "projects", "data_dir", "host", "port", "token_file", "require_token", "log_format"}
"""Keys that are arguments with a name of their own, or that concern `solorun serve` only."""


async def extract(step: StepContext) -> None:
    """A coroutine function."""


def generate(step: FunctionContext) -> None:
    """A plain function."""


def generator(step: FunctionContext) -> Any:
    yield step


def handbook() -> Project:
    """What TOML declares."""
    collect = Command("collect", "python3 collect.py", timeout=timedelta(minutes=5))
    return Project(
        "handbook",
        [collect, Command("build", ["make", "-j"], tty=True)],
        title="The handbook",
        timeout="30m",
        cancel_grace=timedelta(seconds=10),
        env={"LANG": "C"},
        on_conflict="queue",
        resources={"gpu": 2},
        params={"edition": {"type": "integer", "min": 1}},
        queue_timeout=None,  # type: ignore[arg-type]
    )


def simple(name: str, **keys: Any) -> Project:
    return Project(name, [Command("wait", ["true"])], **keys)


def test_a_declared_project_equals_the_one_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "solorun.toml").write_text(TOML)

    declared = ProjectSet([handbook()], {"resources": {"gpu": {"slots": 2}}})

    in_file = Catalog.open(tmp_path / "solorun.toml")
    assert declared.get_project("handbook") == in_file.get_project("handbook")
    assert declared.resources == in_file.resources


def test_every_key_of_a_file_is_an_argument() -> None:
    assert {*ProjectKeys.__annotations__, "steps"} == {*PROJECT_KEYS}
    assert {*SolorunKeys.__annotations__} == {*TOP_KEYS, *SERVICE_READERS} - NO_ARGUMENTS
    assert {*CommandKeys.__annotations__, *StepKeys.__annotations__, "name", "run", "call"} == {*STEP_KEYS}


def test_functions_are_steps() -> None:
    steps = [Coroutine("extract", extract), Function("generate", generate, timeout="1m")]

    found = ProjectSet([Project("handbook", steps)]).get_project("handbook").steps

    assert [step.kind for step in found] == ["coroutine", "function"]
    assert isinstance(found[1], CoroutineStep)
    assert (found[1].function, found[1].call) == (generate, f"{__name__}:generate")


def test_a_function_of_the_wrong_kind_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="not a coroutine function"):
        Coroutine("generate", generate)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="is a coroutine function"):
        Function("extract", extract)  # type: ignore[arg-type]


def test_every_error_of_a_declaration_is_reported() -> None:
    projects = [
        simple("Handbook"),
        Project("glossary", [Command("full", []), Function("generate", generator)], cancel_grace=5, titel="x"),  # type: ignore[arg-type, call-arg]
        simple("cards", resources=["gpu"], env={"SOLORUN_X": "1"}),
    ]

    with pytest.raises(ConfigurationInvalid) as invalid:
        ProjectSet(projects)

    assert invalid.value.message.splitlines()[0] == "The configuration has 8 errors:"
    assert [error.pointer for error in invalid.value.errors] == [
        "projects.Handbook",
        "projects.glossary.cancel_grace",
        "projects.glossary.titel",
        "projects.glossary.steps[0].name",
        "projects.glossary.steps[0].run",
        "projects.glossary.steps[1].call",
        "projects.cards.resources",
        "projects.cards.env.SOLORUN_X",
    ]


def test_a_change_with_an_error_has_no_effect() -> None:
    projects = ProjectSet([simple("handbook")])

    with pytest.raises(ConfigurationInvalid):
        projects.add(simple("glossary"), simple("cards", timeout="soon"))

    assert repr(projects) == "ProjectSet(['handbook'])"
    with pytest.raises(ProjectNotFound):
        projects.get_project("glossary")


def test_a_declared_name_is_not_declared_twice() -> None:
    projects = ProjectSet([simple("handbook")])

    with pytest.raises(ConfigurationInvalid, match="already declared; remove that project first"):
        projects.add(simple("handbook"))


def test_a_removed_project_can_be_declared_again() -> None:
    projects = ProjectSet([simple("handbook", title="Old")])

    projects.remove("handbook")
    projects.add(simple("handbook", title="New"))

    assert projects.get_project("handbook").title == "New"


def test_only_declared_projects_can_be_removed() -> None:
    projects = ProjectSet([simple("handbook")])

    with pytest.raises(ProjectNotFound, match='No project "glossary" is declared'):
        projects.remove("handbook", "glossary")

    assert "handbook" in projects


def test_a_pattern_declares_a_family() -> None:
    projects = ProjectSet([simple("glossary-*")])

    project = projects.get_project("glossary-moon")
    projects.remove("glossary-*")

    assert isinstance(project.steps[0], CommandStep)
    assert len(projects) == 0
    with pytest.raises(ProjectNotFound):
        projects.get_project("glossary-moon")


def test_projects_that_are_added_later_must_not_wait_for_each_other() -> None:
    def project(name: str, holds: str, waits_for: str) -> Project:
        return Project(name, [Command("wait", ["true"], resources=[waits_for])], resources=[holds])

    projects = ProjectSet([project("one", "gpu", "tape")], {"resources": {"gpu": {}, "tape": {}}})

    with pytest.raises(ConfigurationInvalid, match="could wait for ever"):
        projects.add(project("two", "tape", "gpu"))

    assert list(projects) == ["one"]
