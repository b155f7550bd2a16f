"""Loads the named statements of an SQL file: each begins with `-- name:`, followed by a comment that describes it."""

import re
from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType
from typing import Final

_HEADING = re.compile(r"^-- (name|fragment): (\w+)$", re.MULTILINE)
_COMMENT = re.compile(r"^--.*\n", re.MULTILINE)


def load_queries(package: str, file: str) -> Mapping[str, str]:
    return parse_queries(read(package, file))


def parse_queries(text: str, fragments: Mapping[str, str] | None = None) -> Mapping[str, str]:
    """The statements by name, without their comments; `{name}` is replaced by the fragment of that name.

    `fragments` replace those of the same name in the text.
    """
    fragments = {**parse_fragments(text), **(fragments or {})}
    return MappingProxyType({name: sql.format_map(fragments) for name, sql in _parse(text, "name").items()})


def parse_fragments(text: str) -> dict[str, str]:
    return _parse(text, "fragment")


def read(package: str, file: str) -> str:
    return (files(package) / file).read_text(encoding="utf-8")


def _parse(text: str, wanted: str) -> dict[str, str]:
    _, *parts = _HEADING.split(text)
    found: dict[str, str] = {}
    for kind, name, body in zip(parts[0::3], parts[1::3], parts[2::3], strict=True):
        if kind == wanted and name in found:
            raise ValueError(f"the statement {name} is defined twice")
        if kind == wanted:
            found[name] = _COMMENT.sub("", body).strip()
    return found


QUERIES: Final = load_queries(__package__, "queries.sql")
"""The statements of the store."""
