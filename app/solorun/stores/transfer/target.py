"""The empty PostgreSQL database to copy to. One transaction does everything, so the copy is complete or absent."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final

import psycopg

from solorun.errors import DatabaseUnusable, StoreUnavailable
from solorun.store import Finding
from solorun.stores.postgres.connect import complete, connect
from solorun.stores.postgres.doctor import check_schema_and_contents
from solorun.stores.postgres.errors import DRIVER_ERRORS, translate
from solorun.stores.postgres.schema import MIGRATIONS, migrate
from solorun.stores.postgres.statements import OWN, Statements
from solorun.stores.sql.rows import to_microseconds
from solorun.stores.sql.unmasked_params import Encrypt
from solorun.stores.transfer.source import Table

NOT_MIGRATED: Final = "Nothing was migrated. `solorun doctor` finds what is wrong with the old database."

# A copy takes as long as it takes. Under this name, no service ends its session.
_BEGIN: Final = """
BEGIN;
SET LOCAL statement_timeout = 0;
SET LOCAL idle_in_transaction_session_timeout = 0;
SET LOCAL application_name = 'solorun migrate-to';
"""
_LIST_TYPES: Final = """
SELECT attname, format_type(atttypid, NULL) FROM pg_attribute
WHERE attrelid = CAST(:table AS REGCLASS) AND attnum > 0 AND NOT attisdropped
"""
_LIST_IDENTITIES: Final = """
SELECT pg_class.relname, attname FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
WHERE relnamespace = CAST(current_schema() AS REGNAMESPACE) AND relname = ANY(:tables) AND attidentity <> ''
"""


class Target:
    """The database within the transaction."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection
        self._statements = Statements(connection)

    def prepare(self, tables: Sequence[Table]) -> None:
        """Create the tables, and lock them. Raises DatabaseUnusable if one has rows, or a service uses the database."""
        migrate(self._statements)
        ((version,),) = self._statements.execute("SELECT version FROM solorun_schema").fetchall()
        if version != len(MIGRATIONS):
            raise DatabaseUnusable(
                f"A newer version of Solorun has used the target database: its schema is version {version}, and this"
                f" version knows {len(MIGRATIONS)}. Use the newer version, or an empty database."
            )
        if self._statements.execute(OWN["list_leases"]).fetchone() is not None:
            raise DatabaseUnusable("A service is using the target database. Stop it, and use an empty database.")
        self._statements.execute_script(f"LOCK TABLE {', '.join(table.name for table in tables)} IN EXCLUSIVE MODE")
        filled = [
            table.name
            for table in tables
            if self._statements.execute(f"SELECT 1 FROM {table.name} LIMIT 1").fetchone() is not None
        ]
        if filled:
            raise DatabaseUnusable(
                f"The target database is not empty: it has rows in {', '.join(filled)}. Create another one, for"
                " example with `createdb`."
            )

    def write(self, table: Table, rows: Iterable[Sequence[Any]]) -> None:
        types = self._list_types(table)
        with self._connection.cursor().copy(f"COPY {_name(table)} FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(types)
            try:
                for row in rows:
                    copy.write_row(row)
            except TypeError as error:
                # SQLite stores any value in any column.
                raise DatabaseUnusable(
                    f"The table {table.name} has a value of another type: {error}. {NOT_MIGRATED}"
                ) from error

    def read(self, table: Table) -> Iterator[tuple[Any, ...]]:
        types = self._list_types(table)
        with self._connection.cursor().copy(f"COPY {_name(table)} TO STDOUT (FORMAT BINARY)") as copy:
            copy.set_types(types)
            yield from copy.rows()

    def continue_ids(self, tables: Sequence[Table], last_ids: dict[str, int]) -> None:
        """Give new rows ids above those that were given out: `last_ids`, the ids of the rows, and earlier ones here."""
        for table, column in self._statements.execute(_LIST_IDENTITIES, {"tables": [each.name for each in tables]}):
            sequence = f"CAST(pg_get_serial_sequence('{table}', '{column}') AS REGCLASS)"
            self._statements.execute(
                f"SELECT setval({sequence}, last) FROM ("
                f"SELECT GREATEST(MAX({column}), :last_id, pg_sequence_last_value({sequence})) AS last FROM {table}"
                ") AS ids WHERE last > 0",
                {"last_id": last_ids.get(table, 0)},
            )

    def check(self, tables: Sequence[Table], decrypt: Encrypt) -> list[Finding]:
        """What the doctor finds. The planner gets its statistics first."""
        self._statements.execute_script(f"ANALYZE {', '.join(table.name for table in tables)}")
        now = to_microseconds(datetime.now(UTC)) or 0
        return check_schema_and_contents(self._statements, now=now, repair=False, decrypt=decrypt)

    def commit(self) -> None:
        try:
            self._connection.execute("COMMIT")
        except DRIVER_ERRORS as error:
            raise StoreUnavailable(
                "The connection was lost during the commit, so the copy is complete or absent. Start again: if the"
                " target is not empty then, it is complete."
            ) from error

    def _list_types(self, table: Table) -> list[str]:
        types = dict(self._statements.execute(_LIST_TYPES, {"table": table.name}).fetchall())
        return [types[column] for column in table.columns]


@contextmanager
def open_target(url: str) -> Iterator[Target]:
    """A transaction in the database, which is rolled back unless it is committed. Raises DatabaseUnusable."""
    try:
        connection = connect(complete(url))
    except DRIVER_ERRORS as error:
        raise DatabaseUnusable(f"The target database cannot be opened: {error}") from error
    try:
        connection.execute(_BEGIN)
        yield Target(connection)
    except DRIVER_ERRORS as error:
        failure = translate(error)
        if isinstance(failure, StoreUnavailable):
            raise failure from error
        raise DatabaseUnusable(f"{failure} {NOT_MIGRATED}") from error
    finally:
        connection.close()


def _name(table: Table) -> str:
    return f"{table.name} ({', '.join(table.columns)})"
