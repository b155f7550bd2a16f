"""Checks and repairs the schema and the contents. Damaged pages are a matter for PostgreSQL's own tools."""

from collections.abc import Iterator
from typing import Final

from solorun.errors import DatabaseUnusable
from solorun.store_maintenance import Finding
from solorun.stores.postgres.schema import MIGRATIONS
from solorun.stores.postgres.statements import OWN, Statements
from solorun.stores.sql.doctor import check_contents

_SNAPSHOT: Final = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"
"""Services may write meanwhile. A repair that they get in the way of fails."""

_BEGIN_PRISTINE: Final = """
SAVEPOINT pristine;
-- The schema of temporary tables exists once there is one.
CREATE TEMPORARY TABLE first ();
SET LOCAL search_path = pg_temp;
"""

Schema = dict[str, str]
"""Columns with their types, or indexes with their definitions."""


def check(statements: Statements, *, now: int, repair: bool) -> list[Finding]:
    """All violations. Raises DatabaseUnusable if a service is running whose work a repair could disturb."""
    statements.execute_script(_SNAPSHOT)
    if repair and statements.execute(OWN["list_leases"]).fetchone() is not None:
        raise DatabaseUnusable("A service is using the database. Stop every service before a repair.")
    return check_schema_and_contents(statements, now=now, repair=repair)


def check_schema_and_contents(statements: Statements, *, now: int, repair: bool) -> list[Finding]:
    """All violations, as the caller's transaction sees the database."""
    expected_columns, expected_indexes = _read_pristine_schema(statements)
    columns, indexes = _read_schema(statements, "current_schema()")
    wrong = [name for name, kind in expected_columns.items() if columns.get(name) != kind]
    if wrong:
        return [Finding(None, f"Columns are missing or changed: {', '.join(wrong)}. Restore a backup.", None)]
    findings = list(check_contents(statements, now=now, repair=repair))
    return findings + list(_check_indexes(statements, expected_indexes, indexes, repair=repair))


def _check_indexes(statements: Statements, expected: Schema, present: Schema, *, repair: bool) -> Iterator[Finding]:
    for name, definition in expected.items():
        if present.get(name) == definition:
            continue
        yield Finding(None, f"The index {name} is {'changed' if name in present else 'missing'}.", "creates it again")
        if repair:
            statements.execute_script(f"DROP INDEX IF EXISTS {name}; {definition}")


def _read_pristine_schema(statements: Statements) -> tuple[Schema, Schema]:
    """What the migrations create, in temporary tables that exist for a moment."""
    statements.execute_script(_BEGIN_PRISTINE)
    for script in MIGRATIONS:
        statements.execute_script(script)
    schema = _read_schema(statements, "(SELECT nspname FROM pg_namespace WHERE oid = pg_my_temp_schema())")
    statements.execute_script("ROLLBACK TO pristine")
    return schema


def _read_schema(statements: Statements, name: str) -> tuple[Schema, Schema]:
    columns = statements.execute(OWN["list_columns"].replace(":schema", name)).fetchall()
    indexes = statements.execute(OWN["list_indexes"].replace(":schema", name)).fetchall()
    return dict(columns), dict(indexes)
