"""The tables [resources.*], and what projects and steps may require of them."""

from collections.abc import Callable

import pytest

from solorun.projects.configuration import Configuration
from solorun.queueing import ConflictPolicy

Check = Callable[[str], Configuration]
FindErrors = Callable[[str], dict[str, str]]

STEP = '[[projects.{0}.steps]]\nname = "only"\nrun = "true"\n'


def project(name: str, keys: str = "", step_keys: str = "") -> str:
    return f"[projects.{name}]\n{keys}\n{STEP.format(name)}{step_keys}\n"


def test_a_list_requires_one_slot_of_each_resource_and_a_table_its_numbers(check: Check) -> None:
    configuration = check(
        "[resources.gpu]\nslots = 2\n[resources.licence]\n"
        + project("a", 'resources = ["gpu", "licence"]')
        + project("b", "resources = { gpu = 2 }", 'resources = ["licence"]')
    )

    a, b = configuration.projects.values()
    assert configuration.resources == {"gpu": 2, "licence": 1}
    assert (a.resources, b.resources, b.steps[0].resources) == ({"gpu": 1, "licence": 1}, {"gpu": 2}, {"licence": 1})


def test_the_slots_of_a_resource_are_in_a_table(find_errors: FindErrors) -> None:
    errors = find_errors("[resources]\ngpu = 2\n" + project("a"))

    assert errors == {"resources.gpu": "expected a table, got 2; write { slots = 2 }"}


def test_a_project_declares_what_its_starts_do_when_it_is_busy(check: Check) -> None:
    configuration = check(project("a", 'on_conflict = "queue"\nqueue_max = 5\nqueue_timeout = "2h"'))

    (declared,) = configuration.projects.values()
    assert (declared.on_conflict, declared.queue_max) == (ConflictPolicy.QUEUE, 5)
    assert declared.queue_timeout_seconds == 7_200


@pytest.mark.parametrize(
    ("text", "pointer", "words"),
    [
        ('[resources."The GPU"]\n', 'resources."The GPU"', "is not a valid name of a resource"),
        ("[resources.gpu]\nslots = 0\n", "resources.gpu.slots", "expected a whole number from 1 to 1000"),
        ("[resources.gpu]\nslot = 1\n", "resources.gpu.slot", 'did you mean "slots"?'),
        ("[resources.gpu]\n" + project("a", 'resources = ["gpus"]'), "projects.a.resources", 'did you mean "gpu"?'),
        ("[resources.gpu]\n" + project("a", "resources = { gpu = 3 }"), "projects.a.resources", "but gpu has only 1"),
        (project("a", "", 'resources = ["gpu"]'), "projects.a.steps[0].resources", 'there is no resource "gpu"'),
    ],
)
def test_a_resource_error_has_its_position(find_errors: FindErrors, text: str, pointer: str, words: str) -> None:
    errors = find_errors(text if "projects" in text else text + project("p"))

    assert words in errors[pointer]


def test_two_projects_that_could_wait_for_each_other_are_refused(find_errors: FindErrors) -> None:
    errors = find_errors(
        "[resources.gpu]\n[resources.staging]\n"
        + project("a", 'resources = ["gpu"]', 'resources = ["staging"]')
        + project("b", 'resources = ["staging"]', 'resources = ["gpu"]')
    )

    (message,) = errors.values()
    assert "could wait for ever" in message
    assert "gpu -> staging -> gpu" in message or "staging -> gpu -> staging" in message


def test_a_step_that_requires_more_of_what_its_project_holds_is_refused(find_errors: FindErrors) -> None:
    errors = find_errors("[resources.gpu]\nslots = 2\n" + project("a", 'resources = ["gpu"]', 'resources = ["gpu"]'))

    assert "gpu -> gpu" in errors["projects.a.steps[0].resources"]
