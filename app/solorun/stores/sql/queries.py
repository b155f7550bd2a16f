"""Loads the named statements of an SQL file: each begins with `-- name:`, followed by a comment that describes it."""

import re
from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType
from typing import Final

_HEADING = re.compile(r"^-- (name|columns): (\w+)$", re.MULTILINE)
_COMMENT = re.compile(r"^--.*\n", re.MULTILINE)


def load_queries(package: str, file: str) -> Mapping[str, str]:
    """The statements of a package's file, by name."""
    return parse_queries((files(package) / file).read_text(encoding="utf-8"))


def parse_queries(text: str) -> Mapping[str, str]:
    """The statements by name, without their comments; `{name}` is replaced by the list of columns of that name."""
    _, *parts = _HEADING.split(text)
    columns: dict[str, str] = {}
    queries: dict[str, str] = {}
    for kind, name, body in zip(parts[0::3], parts[1::3], parts[2::3], strict=True):
        if name in columns or name in queries:
            raise ValueError(f"the statement {name} is defined twice")
        sql = _COMMENT.sub("", body).strip()
        if kind == "columns":
            columns[name] = sql
        else:
            queries[name] = sql.format_map(columns)
    return MappingProxyType(queries)


QUERIES: Final = load_queries(__package__, "queries.sql")
"""The statements of the store."""
