"""Project names, patterns, and which one declares a project."""

from collections.abc import Callable

import pytest

from solorun.errors import ProjectNotFound
from solorun.projects.configuration import Configuration

Check = Callable[[str], Configuration]

FAMILIES = """
    [[projects.glossary-main.steps]]
    name = "exact"
    run = "true"

    [projects."glossary-*"]
    title = "A glossary"
    [[projects."glossary-*".steps]]
    name = "short"
    run = "true"

    [[projects."glossary-japan*".steps]]
    name = "long"
    run = "true"

    [[projects."*-x".steps]]
    name = "first"
    run = "true"

    [[projects."x-*".steps]]
    name = "second"
    run = "true"

    [[projects."team-[ab]?".steps]]
    name = "set"
    run = "true"
"""


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("glossary-main", "exact"),
        ("glossary-mainz", "short"),
        ("glossary-", "short"),
        ("glossary-japan", "long"),
        ("glossary-japanese", "long"),
        ("x-x", "first"),
        ("team-a1", "set"),
    ],
)
def test_exact_names_precede_patterns_and_longer_patterns_precede_shorter(check: Check, name: str, step: str) -> None:
    project = check(FAMILIES).get_project(name)

    assert (project.name, [step.name for step in project.steps]) == (name, [step])


@pytest.mark.parametrize("name", ["", "unknown", "team-c1", "team-a", "glossary-UP", "glossary-a/b", "glossary-\n"])
def test_an_undeclared_name_is_not_found(check: Check, name: str) -> None:
    with pytest.raises(ProjectNotFound):
        check(FAMILIES).get_project(name)


def test_a_misspelled_name_gets_a_suggestion(check: Check) -> None:
    with pytest.raises(ProjectNotFound, match='"glosary-main"; did you mean "glossary-main"'):
        check(FAMILIES).get_project("glosary-main")


def test_the_message_about_a_very_long_name_is_short(check: Check) -> None:
    with pytest.raises(ProjectNotFound) as caught:
        check(FAMILIES).get_project("Z" * 100_000)

    assert len(caught.value.message) < 120


def test_projects_of_a_family_have_its_title_or_else_their_own_name(check: Check) -> None:
    configuration = check(FAMILIES)

    assert configuration.get_project("glossary-a").title == "A glossary"
    assert configuration.get_project("glossary-japan").title == "glossary-japan"


def test_the_family_of_a_name_is_found(check: Check) -> None:
    configuration = check(FAMILIES)

    assert [family.pattern for family in configuration.families] == [
        "glossary-*",
        "glossary-japan*",
        "*-x",
        "x-*",
        "team-[ab]?",
    ]
    assert configuration.find_family("glossary-japan") == configuration.families[1]
    assert configuration.find_family("glossary-main") is None
    assert configuration.find_family("unknown") is None
