"""The SQLite database to copy: all tables of the schema, and their rows. It is opened for reading only."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path

from solorun.errors import DatabaseUnusable
from solorun.stores.sqlite.errors import DRIVER_ERRORS
from solorun.stores.sqlite.schema import MIGRATIONS, migrate

_LIST_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
_LIST_COLUMNS = "SELECT name FROM pragma_table_info(?) ORDER BY cid"
_LIST_PARENTS = 'SELECT "table" FROM pragma_foreign_key_list(?)'
_LIST_LAST_IDS = "SELECT name, seq FROM sqlite_sequence"
# A pending run without an owner waits for the next service.
_LIST_ABANDONED_RUNS = "SELECT id FROM runs WHERE status IN ('pending', 'running') AND owner IS NOT NULL"


@dataclass(frozen=True, slots=True)
class Table:
    """A table with the number of its rows."""

    name: str
    columns: tuple[str, ...]
    row_count: int


class Source:
    """One snapshot of the database."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def list_tables(self) -> list[Table]:
        """All tables that the migrations create. One follows those that its foreign keys refer to."""
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as pristine:
            migrate(pristine)
            columns = {name: _list(pristine, _LIST_COLUMNS, name) for name in _list(pristine, _LIST_TABLES)}
            parents = {name: _list(pristine, _LIST_PARENTS, name) for name in columns}
        return [Table(name, columns[name], self._count(name)) for name in TopologicalSorter(parents).static_order()]

    def open_rows(self, table: Table) -> closing[sqlite3.Cursor]:
        """The rows, which are read as they are needed."""
        return closing(self._connection.execute(f"SELECT {', '.join(table.columns)} FROM {table.name}"))

    def list_abandoned_runs(self) -> list[int]:
        """The ids of the runs that were active when the last service was killed."""
        return [run_id for (run_id,) in self._connection.execute(_LIST_ABANDONED_RUNS)]

    def list_last_ids(self) -> dict[str, int]:
        """The largest id that was given out in each table that never uses one again."""
        return dict(self._connection.execute(_LIST_LAST_IDS))

    def _count(self, name: str) -> int:
        ((count,),) = self._connection.execute(f"SELECT COUNT(*) FROM {name}")
        return int(count)


@contextmanager
def open_source(database: Path) -> Iterator[Source]:
    """The database of a stopped service. Raises DatabaseUnusable if it cannot be copied as it is."""
    try:
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            connection.execute("BEGIN")
            _check(connection, database)
            yield Source(connection)
    except DRIVER_ERRORS as error:
        raise DatabaseUnusable(f"The database {database} cannot be read: {error}. Run `solorun doctor`.") from error


def _list(connection: sqlite3.Connection, query: str, *parameters: str) -> tuple[str, ...]:
    return tuple(name for (name,) in connection.execute(query, parameters))


def _check(connection: sqlite3.Connection, database: Path) -> None:
    ((version,),) = connection.execute("PRAGMA user_version")
    if version == 0:
        raise DatabaseUnusable(f"{database} is not a database of Solorun.")
    if version > len(MIGRATIONS):
        raise DatabaseUnusable(
            f"The database {database} was written by a newer version of Solorun: its schema is version {version}, and"
            f" this version supports schemas up to {len(MIGRATIONS)}. Use the newer version."
        )
    if version < len(MIGRATIONS):
        raise DatabaseUnusable(
            f"The database {database} was written by an older version of Solorun. Run `solorun doctor` first, which"
            " upgrades it."
        )
