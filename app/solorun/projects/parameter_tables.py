"""Validates a project's `params`, a list of names or a table for each parameter, and builds Parameters."""

import re
from functools import partial
from typing import Final

import msgspec

from solorun.parameter import InvalidParameter, Parameter, ParameterType, ParamValue, matches
from solorun.projects import readers
from solorun.projects.validation import InvalidValue, Node, Table, format_value, suggest

PARAMETER_KEYS: Final = (
    *("type", "description", "required", "default", "choices"),
    *("pattern", "min", "max", "secret"),
)
_name: Final = readers.name(
    "parameter name",
    re.compile(r"[a-z][a-z0-9_]{0,62}", re.ASCII),
    'lower-case letters, digits and "_"; starts with a letter; at most 63',
    joiner="_",
)
_HINTS: Final = {
    "name": "the name of a parameter is in its table's header: [projects.<name>.params.<parameter>]",
    "options": 'did you mean "choices"?',
    "values": 'did you mean "choices"?',
    "enum": 'did you mean "choices"?',
    "minimum": 'did you mean "min"?',
    "maximum": 'did you mean "max"?',
    "regex": 'did you mean "pattern"?',
    "optional": "a parameter is optional unless it is required",
}
_OTHER_NAMES: Final = {
    **dict.fromkeys(("str", "text", "password"), "string"),
    **dict.fromkeys(("int", "long"), "integer"),
    **dict.fromkeys(("float", "double", "decimal"), "number"),
    **dict.fromkeys(("bool", "flag"), "boolean"),
    **dict.fromkeys(("enum", "select", "options"), "choice"),
    **dict.fromkeys(("array", "lines"), "list"),
}


def params(node: Node) -> tuple[Parameter, ...]:
    """A project's parameters, in the order of the file."""
    if not isinstance(node.value, dict):
        names = readers.distinct(_name, 'a list of names like ["date"], or a table for each parameter')(node)
        return tuple(map(Parameter, names))
    return tuple(readers.named(_name, _parameter)(node).values())


def _parameter(name: str, node: Node) -> Parameter:
    if isinstance(node.value, str):
        shown = format_value(node.value)
        raise InvalidValue(f"expected a table, got {shown}; write {{ type = {shown} }}")
    table = Table(node, PARAMETER_KEYS, _HINTS)
    kind = table.read("type", _type, None) if "type" in table else ParameterType.STRING
    parameter = Parameter(
        name,
        kind or ParameterType.STRING,
        required=table.read("required", readers.boolean, False),
        description=table.read("description", readers.line, ""),
        choices=table.read("choices", _choices, ()),
        secret=table.read("secret", readers.boolean, False),
        pattern=table.read("pattern", _pattern, None),
        min=table.read("min", _limit, None),
        max=table.read("max", _limit, None),
    )
    if kind is None:
        return parameter
    _check_keys(table, parameter)
    if parameter.secret:  # A default is refused, and no message may show it.
        return parameter
    return msgspec.structs.replace(parameter, default=table.read("default", partial(_default, parameter), None))


def _check_keys(table: Table, parameter: Parameter) -> None:
    """Refuse keys that do not fit the type or each other."""

    def refuse(key: str, message: str) -> None:
        if key in table:
            table.node.below(key).refuse(message)

    kind, low, high = parameter.type, parameter.min, parameter.max
    if kind is not ParameterType.CHOICE:
        refuse("choices", f'is for parameters of the type "choice"; this one is of the type "{kind}"')
    elif "choices" not in table:
        table.node.below("choices").refuse('is missing; list the values, like ["staging", "production"]')
    if kind is not ParameterType.STRING:
        refuse("pattern", 'is for parameters of the type "string"')
        if parameter.secret:
            refuse("secret", 'is for parameters of the type "string"')
    if kind not in (ParameterType.INTEGER, ParameterType.NUMBER):
        refuse("min", 'is for parameters of the type "integer" or "number"')
        refuse("max", 'is for parameters of the type "integer" or "number"')
    elif low is not None and high is not None and low > high:
        refuse("max", f"is less than min, {low}")
    if parameter.required:
        refuse("default", "is never used, because the parameter is required; remove one of both")
    elif parameter.secret:
        refuse("default", "would be a secret that the file and the API show; use the project's secrets and env instead")


def _type(node: Node) -> ParameterType:
    known = [kind.value for kind in ParameterType]
    if node.value in known:
        return ParameterType(node.value)
    expected = f"expected {', '.join(map(format_value, known[:-1]))} or {format_value(known[-1])}"
    other = _OTHER_NAMES.get(node.value) if isinstance(node.value, str) else None
    hint = f'did you mean "{other}"?' if other else suggest(str(node.value), known)
    raise InvalidValue(f"{expected}, got {format_value(node.value)}{hint and '; '}{hint}")


def _choices(node: Node) -> tuple[str, ...]:
    found = readers.distinct(_choice, 'a list of values like ["staging", "production"]')(node)
    if not node.value:
        raise InvalidValue("is empty; a choice needs at least one value")
    return found


def _choice(node: Node) -> str:
    return str(_read(Parameter("choice"), readers.line(node)))


def _pattern(node: Node) -> str:
    pattern = readers.text(node)
    try:
        matches(pattern, "")
    except InvalidParameter as fault:
        raise InvalidValue(
            f"{format_value(pattern)} is not a regular expression in the syntax of RE2: {fault}"
        ) from None
    return pattern


def _limit(node: Node) -> int | float:
    if isinstance(node.value, str):
        raise InvalidValue(f"expected a number, got {format_value(node.value)}")
    found = _read(Parameter("limit", ParameterType.NUMBER), node.value)
    assert isinstance(found, int | float)  # noqa: S101 - the type of a number
    return found


def _default(parameter: Parameter, node: Node) -> ParamValue:
    return _read(parameter, node.value)


def _read(parameter: Parameter, value: object) -> ParamValue:
    try:
        return parameter.read(value)
    except InvalidParameter as fault:
        raise InvalidValue(f"{fault}, not {format_value(value)}") from None
