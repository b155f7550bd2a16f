"""The [defaults] table: fills in what the tables of projects leave out, and finds where such a value is in the file."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from solorun.errors import FieldError
from solorun.projects.validation import pointer_below

_MERGED_TABLES: Final = ("env",)
_MERGED_LISTS: Final = ("secrets", "pass_env")
"""A project adds to these. It replaces the others."""
_KEY: Final = re.compile(r"\.([A-Za-z0-9_-]+)(?:\[(\d+)\]|\.|$)")


def fill_in(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with complete projects. A part that is no table stays as it is, to be refused."""
    defaults, projects = document.get("defaults"), document.get("projects")
    if not isinstance(defaults, dict) or not isinstance(projects, dict):
        return dict(document)
    filled = {name: _merge(defaults, own) if isinstance(own, dict) else own for name, own in projects.items()}
    return {**document, "projects": filled}


def locate(document: Mapping[str, Any], errors: list[FieldError]) -> list[FieldError]:
    """The errors of the complete projects, each once and where it is in the document."""
    return list(dict.fromkeys(replace(error, pointer=_find_origin(document, error.pointer)) for error in errors))


def _merge(defaults: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    merged = {**defaults, **own}
    for key in _MERGED_TABLES:
        if isinstance(defaults.get(key), dict) and isinstance(own.get(key), dict):
            merged[key] = {**defaults[key], **own[key]}
    for key in _MERGED_LISTS:
        if isinstance(defaults.get(key), list) and isinstance(own.get(key), list):
            merged[key] = list(own[key])
            merged[key].extend(item for item in defaults[key] if item not in merged[key])
    return merged


def _find_origin(document: Mapping[str, Any], pointer: str) -> str:
    defaults, projects = document.get("defaults"), document.get("projects")
    if not isinstance(defaults, dict) or not isinstance(projects, dict):
        return pointer
    for name, own in projects.items():
        table = pointer_below("projects", name)
        found = _KEY.match(pointer, len(table)) if pointer.startswith(table) else None
        if found is None or not isinstance(own, dict) or found[1] not in defaults:
            continue
        key, index = found[1], found[2]
        place = pointer[len(table) :]
        if key not in own:
            return f"defaults{place}"
        if key in _MERGED_LISTS and index is not None and int(index) >= len(own[key]):
            item = _merge(defaults, own)[key][int(index)]
            return f"defaults.{key}[{defaults[key].index(item)}]"
        if key in _MERGED_TABLES and isinstance(own[key], dict) and isinstance(defaults[key], dict):
            names = [each for each in defaults[key] if each not in own[key]]
            if place in [pointer_below(f".{key}", each) for each in names]:
                return f"defaults{place}"
    return pointer
