"""The statements of `queries.sql`, read once, by their names."""

import re
from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType
from typing import Final

_HEADING = re.compile(r"^-- (name|columns): (\w+)$", re.MULTILINE)
_COMMENT = re.compile(r"^--.*\n", re.MULTILINE)


def parse_queries(text: str) -> Mapping[str, str]:
    """The named statements of an SQL file, without their comments, their lists of columns filled in."""
    _, *parts = _HEADING.split(text)
    columns: dict[str, str] = {}
    queries: dict[str, str] = {}
    for kind, name, body in zip(parts[0::3], parts[1::3], parts[2::3], strict=True):
        if name in columns or name in queries:
            raise ValueError(f"the statement {name} is there twice")
        sql = _COMMENT.sub("", body).strip()
        if kind == "columns":
            columns[name] = sql
        else:
            queries[name] = sql.format_map(columns)
    return MappingProxyType(queries)


QUERIES: Final = parse_queries((files(__package__) / "queries.sql").read_text(encoding="utf-8"))
