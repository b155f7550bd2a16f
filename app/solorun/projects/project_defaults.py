"""The [defaults] table: fills in what the tables of projects leave out, and finds where such a value is in the file."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from solorun.errors import FieldError
from solorun.projects.validation import pointer_below

Origins = dict[str, str]
"""Where in the file the parts of complete projects are that come from [defaults], by where they are used."""

_MERGED_TABLES: Final = ("env",)
_MERGED_LISTS: Final = ("secrets", "pass_env")
"""A project adds to these. It replaces the others."""


def fill_in(document: Mapping[str, Any]) -> tuple[dict[str, Any], Origins]:
    """The document with complete projects. A part that is no table stays as it is, to be refused."""
    origins: Origins = {}
    defaults, projects = document.get("defaults"), document.get("projects")
    if not isinstance(defaults, dict) or not isinstance(projects, dict):
        return dict(document), origins
    filled = {
        name: _merge(defaults, own, pointer_below("projects", name), origins) if isinstance(own, dict) else own
        for name, own in projects.items()
    }
    return {**document, "projects": filled}, origins


def locate(origins: Origins, errors: list[FieldError]) -> list[FieldError]:
    """The errors of the complete projects, each once and where it is in the document."""
    return list(dict.fromkeys(replace(error, pointer=_find_origin(origins, error.pointer)) for error in errors))


def _merge(defaults: dict[str, Any], own: dict[str, Any], pointer: str, origins: Origins) -> dict[str, Any]:
    merged = {**defaults, **own}
    for key, value in defaults.items():
        place, origin = pointer_below(pointer, key), pointer_below("defaults", key)
        if key not in own:
            origins[place] = origin
        elif key in _MERGED_TABLES and isinstance(value, dict) and isinstance(own[key], dict):
            merged[key] = {**value, **own[key]}
            origins |= {pointer_below(place, each): pointer_below(origin, each) for each in value.keys() - own[key]}
        elif key in _MERGED_LISTS and isinstance(value, list) and isinstance(own[key], list):
            merged[key] = list(own[key])
            for index, item in enumerate(value):
                if item not in merged[key]:
                    origins[f"{place}[{len(merged[key])}]"] = f"{origin}[{index}]"
                    merged[key].append(item)
    return merged


def _find_origin(origins: Origins, pointer: str) -> str:
    for place, origin in origins.items():
        if f"{pointer}.".startswith((f"{place}.", f"{place}[")):
            return origin + pointer.removeprefix(place)
    return pointer
