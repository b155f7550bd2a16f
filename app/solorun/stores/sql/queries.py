"""Loads the named statements of an SQL file: each begins with `-- name:`, followed by a comment that describes it."""

import re
from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType
from typing import Final

_HEADING = re.compile(r"^-- (name|columns): (\w+)$", re.MULTILINE)
_COMMENT = re.compile(r"^--.*\n", re.MULTILINE)


def load_queries(package: str, file: str, columns: Mapping[str, str] | None = None) -> Mapping[str, str]:
    """The statements of a package's file, by name. `columns` are the lists of another file."""
    return parse_queries((files(package) / file).read_text(encoding="utf-8"), columns)


def parse_queries(text: str, columns: Mapping[str, str] | None = None) -> Mapping[str, str]:
    """The statements by name, without their comments; `{name}` is replaced by the list of columns of that name."""
    columns = {**(columns or {}), **_parse(text, "columns")}
    return MappingProxyType({name: sql.format_map(columns) for name, sql in _parse(text, "name").items()})


def _parse(text: str, wanted: str) -> dict[str, str]:
    _, *parts = _HEADING.split(text)
    found: dict[str, str] = {}
    for kind, name, body in zip(parts[0::3], parts[1::3], parts[2::3], strict=True):
        if kind == wanted and name in found:
            raise ValueError(f"the statement {name} is defined twice")
        if kind == wanted:
            found[name] = _COMMENT.sub("", body).strip()
    return found


_TEXT = (files(__package__) / "queries.sql").read_text(encoding="utf-8")
QUERIES: Final = parse_queries(_TEXT)
"""The statements of the store."""
COLUMNS: Final = MappingProxyType(_parse(_TEXT, "columns"))
"""Its lists of columns."""
