"""Writes the projects of a solorun.toml."""

import json
from collections.abc import Mapping, Sequence


class Call(str):
    """A coroutine step, as `module:function`."""

    __slots__ = ()


Step = str | Sequence[str]
"""A shell command, the arguments of a command, or a `Call`."""


def project_toml(name: str, steps: Mapping[str, Step], **settings: object) -> str:
    """The tables of one project: its settings and its steps, by name."""
    table = f"projects.{json.dumps(name)}"
    tables = [f"[{table}]", *map(_entry, settings.items())]
    for step, work in steps.items():
        key = "call" if isinstance(work, Call) else "run"
        tables += [f"[[{table}.steps]]", _entry(("name", step)), _entry((key, work))]
    return "\n".join(tables) + "\n"


def _entry(entry: tuple[str, object]) -> str:
    name, value = entry
    return f"{name} = {_encode(value)}"


def _encode(value: object) -> str:
    if isinstance(value, Mapping):
        return f"{{ {', '.join(map(_entry, value.items()))} }}"
    return json.dumps(value, ensure_ascii=False)  # strings, numbers, booleans and arrays are the same in both
