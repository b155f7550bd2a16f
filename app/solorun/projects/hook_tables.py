"""Validates the [projects.*.hooks.*] tables, and builds Hooks."""

import re
from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Final

from solorun.hook import Hook, Verification
from solorun.project import FULL_SCOPE, Project
from solorun.projects import readers
from solorun.projects.validation import InvalidValue, Node, Table, format_value, suggest, table_of
from solorun.queueing import ConflictPolicy

HOOK_KEYS: Final = ("secret", "verify", "scope", "params", "when", "events", "on_conflict")
_HINTS: Final = {
    "name": "the name of a hook is in its table's header: [projects.<name>.hooks.<hook>]",
    "token": 'did you mean "secret"?',
    "event": 'did you mean "events"?',
}
_POINTER: Final = re.compile(r"(?:/(?:[^~/]|~[01])*)*")
_REFERENCE: Final = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)", re.ASCII)
_OWN_PREFIX: Final = "SOLORUN_"
_HOW_TO_VERIFY: Final = 'say how deliveries are verified: "github", "standard" or "token"'
_HOW_TO_NAME_IT: Final = 'name the variable that contains the secret, like "$GITHUB_SECRET"'


def hooks(node: Node, project: Project) -> Mapping[str, Hook]:
    """The hooks of a project, by name. `project` has the scopes and parameters that they refer to."""
    return readers.named(readers.name("name of a hook"), partial(_hook, project=project))(node)


def _hook(name: str, node: Node, project: Project) -> Hook:
    table = Table(node, HOOK_KEYS, _HINTS)
    params = table.read("params", partial(_params, project=project), {})
    missing = [each.name for each in project.params if each.required and each.name not in params]
    if missing:
        node.below("params").refuse(f'lacks "{missing[0]}", which {project.name} requires, so no delivery starts a run')
    return Hook(
        name=name,
        secret=table.require("secret", _secret, "", missing=_HOW_TO_NAME_IT),
        verify=table.require("verify", readers.member(Verification), Verification.GITHUB, missing=_HOW_TO_VERIFY),
        scope=table.read("scope", partial(_scope, project=project), FULL_SCOPE),
        params=params,
        when=table.read("when", _when, {}),
        events=table.read("events", readers.distinct(readers.line, 'a list of events, like ["push"]'), ()),
        on_conflict=table.read("on_conflict", readers.member(ConflictPolicy), None),
    )


def _secret(node: Node) -> str:
    # The value may be the secret itself, so no message contains it.
    reference = _REFERENCE.fullmatch(readers.text(node).strip())
    if reference is None:
        raise InvalidValue(f"is not the name of a variable; keep the secret out of the file, and {_HOW_TO_NAME_IT}")
    if reference[1].startswith(_OWN_PREFIX):
        raise InvalidValue(f"names a variable that begins with {_OWN_PREFIX}, which is reserved; choose another name")
    return reference[1]


def _scope(node: Node, project: Project) -> str:
    scope = readers.text(node)
    if scope not in project.scopes:
        hint = suggest(scope, project.scopes) or f"it has: {', '.join(project.scopes)}"
        raise InvalidValue(f"{format_value(scope)} is not a scope of {project.name}; {hint}")
    return scope


def _params(node: Node, project: Project) -> Mapping[str, str]:
    known = [parameter.name for parameter in project.params]
    for name in table_of(node):
        if name not in known:
            hint = suggest(name, known) or f"it has: {', '.join(known) or 'none'}"
            node.below(name).refuse(f"is not a parameter of {project.name}; {hint}")
    return MappingProxyType({name: node.below(name).read(_pointer, "") for name in node.value})


def _when(node: Node) -> Mapping[str, str | int | bool]:
    found: dict[str, str | int | bool] = {}
    for pointer in table_of(node):
        node.key(pointer).read(_pointer, "")
        found[pointer] = node.below(pointer).read(_expected, "")
    return MappingProxyType(found)


def _expected(node: Node) -> str | int | bool:
    if not isinstance(node.value, str | int | bool):
        raise InvalidValue(f"expected a string, a whole number, true or false, got {format_value(node.value)}")
    return node.value


def _pointer(node: Node) -> str:
    pointer = readers.text(node)
    if not pointer.startswith("/") or not _POINTER.fullmatch(pointer):
        raise InvalidValue(f'{format_value(pointer)} is not a JSON pointer into the body, like "/repository/name"')
    return pointer
