"""Executes the statements that all stores share on a psycopg connection: with its own form of parameters, and with
PostgreSQL's own fragments where `queries.sql` has them.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, Final

import psycopg
from psycopg.types.numeric import Int8Dumper
from psycopg.types.string import StrDumper

from solorun.stores.sql.connection import Cursor
from solorun.stores.sql.doctor.log_checks import QUERIES as LOGS
from solorun.stores.sql.queries import QUERIES as SHARED
from solorun.stores.sql.queries import parse_fragments, parse_queries, read

_TEXT: Final = read(__package__, "queries.sql")
OWN: Final = parse_queries(_TEXT)
"""Statements that only PostgreSQL has."""
QUERIES: Final = parse_queries(read("solorun.stores.sql", "queries.sql"), parse_fragments(_TEXT))
"""The shared statements with PostgreSQL's own fragments."""

_OWN_FORM: Final = {SHARED[name]: sql for name, sql in QUERIES.items()}
# Their rows are large, and few of them may be read.
_STREAMED: Final = frozenset(
    (
        *(SHARED[name] for name in ("list_segments_after", "list_segments_with_events_after", "list_segments_before")),
        LOGS["list_stored_segments"],
    )
)
_FIRST_ROWS: Final = 8
_MAX_ROWS: Final = 512
_PARAMETER: Final = re.compile(r"(?<!:):([a-z_]+)")


class _TextDumper(StrDumper):
    """PostgreSQL's text cannot contain NUL."""

    def dump(self, obj: str) -> Any:
        return super().dump(obj.replace("\0", "\ufffd"))


def register_types(connection: psycopg.Connection) -> None:
    """One type for all integers: by default their size decides, and each combination is another prepared statement."""
    connection.adapters.register_dumper(int, Int8Dumper)
    connection.adapters.register_dumper(str, _TextDumper)


class Statements:
    """A psycopg connection as the shared functions use it."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def execute(self, sql: str, parameters: Mapping[str, Any] | None = None, /) -> Cursor:
        if sql in _STREAMED:
            return _Stream(self._connection, _translate(sql), parameters)
        return self._connection.execute(_translate(sql), parameters or {}, binary=True)

    def executemany(self, sql: str, parameters: Iterable[Mapping[str, Any]], /) -> None:
        if rows := list(parameters):
            with self._connection.cursor() as cursor:
                cursor.executemany(_translate(sql), rows)

    def execute_script(self, sql: str) -> None:
        """Execute several statements, without parameters and as they are."""
        self._connection.execute(sql)


class _Stream:
    """The rows of a statement, fetched as they are needed by a cursor of the server."""

    rowcount = -1
    description = None

    def __init__(self, connection: psycopg.Connection, sql: str, parameters: Mapping[str, Any] | None) -> None:
        self._cursor = connection.cursor(name="solorun", binary=True)
        self._cursor.execute(sql, parameters)

    def __iter__(self) -> Iterator[Any]:
        count = _FIRST_ROWS
        while rows := self._cursor.fetchmany(count):
            yield from rows
            count = min(2 * count, _MAX_ROWS)

    def fetchone(self) -> Any:
        return self._cursor.fetchone()

    def fetchall(self) -> list[Any]:
        return self._cursor.fetchall()

    def close(self) -> None:
        self._cursor.close()


@cache
def _translate(sql: str) -> str:
    """`:run_id` becomes `%(run_id)s`."""
    return _PARAMETER.sub(r"%(\1)s", _OWN_FORM.get(sql, sql).replace("%", "%%"))
