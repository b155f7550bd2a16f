"""Validates the [resources.*] tables, and what projects and steps require of them: no two may wait for each other."""

from collections.abc import Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from types import MappingProxyType
from typing import Final

from solorun.errors import FieldError
from solorun.project import Project
from solorun.projects import readers
from solorun.projects.validation import InvalidValue, Node, Table, format_value, pointer_below, suggest

MAX_SLOTS: Final = 1_000
_slots = readers.whole_number(1, MAX_SLOTS)


def check_resources(node: Node) -> Mapping[str, int]:
    """The number of slots of each resource, in the order of the file. Raises InvalidValue if this is no table."""
    return readers.named(readers.name("name of a resource"), _resource)(node)


def resources(node: Node) -> Mapping[str, int]:
    """What a project or a step requires: a list of names (one slot of each), or a table of names and numbers."""
    if isinstance(node.value, dict):
        return MappingProxyType({name: node.below(name).read(_slots, 1) for name in node.value})
    names = readers.array(readers.text, 'a list of resources, like ["gpu"], or a table, like { gpu = 2 }')(node)
    return MappingProxyType(dict.fromkeys(names, 1))


def find_faults(declared: Mapping[str, int], projects: Iterable[tuple[str, Project]]) -> Iterator[FieldError]:
    """What projects require but cannot get. `projects` are with their names in the file."""
    waits: dict[str, dict[str, str]] = {}
    for name, project in projects:
        pointer = pointer_below("projects", name)
        yield from _find_unknown(declared, project.resources, pointer)
        for index, step in enumerate(project.steps):
            at = f"{pointer}.steps[{index}]"
            yield from _find_unknown(declared, step.resources, at)
            for held in project.resources:
                waits.setdefault(held, {}).update(dict.fromkeys(step.resources, f"{at}.resources"))
    if cycle := _find_cycle(waits):
        yield FieldError(
            waits[cycle[0]][cycle[1]],
            f"could wait for ever: runs that hold one of these resources wait for the next: {' -> '.join(cycle)}; "
            "let the project require what its steps share with other projects",
        )


def _resource(_name: str, node: Node) -> int:
    if type(node.value) is int:
        shown = format_value(node.value)
        raise InvalidValue(f"expected a table, got {shown}; write {{ slots = {shown} }}")
    return Table(node, ("slots",), {}).read("slots", _slots, 1)


def _find_unknown(declared: Mapping[str, int], required: Mapping[str, int], pointer: str) -> Iterator[FieldError]:
    for name, count in required.items():
        if name not in declared:
            hint = suggest(name, declared) or "declare it in a table [resources.<name>]"
            yield FieldError(f"{pointer}.resources", f"there is no resource {format_value(name)}; {hint}")
        elif count > declared[name]:
            yield FieldError(
                f"{pointer}.resources", f"{count} slots are required, but {name} has only {declared[name]}"
            )


def _find_cycle(waits: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Resources, each of which a run may hold while it waits for the next; [] if there is no such cycle."""
    try:
        TopologicalSorter(waits).prepare()
    except CycleError as error:
        cycle: list[str] = error.args[1]
        return cycle[::-1]
    return []
