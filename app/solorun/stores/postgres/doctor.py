"""Checks and repairs the schema and the contents. Damaged pages are a matter for PostgreSQL's own tools."""

from collections.abc import Iterator
from typing import Final

from solorun.errors import DatabaseUnusable, SecretsUnreadable
from solorun.store import Finding
from solorun.stores.postgres.param_cipher import HOW_TO_SHARE_THE_KEY
from solorun.stores.postgres.schema import MIGRATIONS
from solorun.stores.postgres.statements import OWN, Statements
from solorun.stores.sql.doctor.checks import check_contents
from solorun.stores.sql.queries import QUERIES
from solorun.stores.sql.unmasked_params import Encrypt

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


def check(statements: Statements, *, now: int, repair: bool, decrypt: Encrypt) -> list[Finding]:
    """All violations. Raises DatabaseUnusable if a service is running whose work a repair could disturb."""
    statements.execute_script(_SNAPSHOT)
    if repair and statements.execute(OWN["list_leases"]).fetchone() is not None:
        raise DatabaseUnusable("A service is using the database. Stop every service before a repair.")
    return check_schema_and_contents(statements, now=now, repair=repair, decrypt=decrypt)


def check_schema_and_contents(statements: Statements, *, now: int, repair: bool, decrypt: Encrypt) -> list[Finding]:
    """All violations, as the caller's transaction sees the database."""
    expected_columns, expected_indexes = _read_pristine_schema(statements)
    columns, indexes = _read_schema(statements, "current_schema()")
    wrong = [name for name, kind in expected_columns.items() if columns.get(name) != kind]
    if wrong:
        return [Finding(None, f"Columns are missing or changed: {', '.join(wrong)}. Restore a backup.", None)]
    findings = list(check_contents(statements, now=now, repair=repair))
    findings += _check_indexes(statements, expected_indexes, indexes, repair=repair)
    return findings + list(_check_secrets(statements, decrypt))


def _check_secrets(statements: Statements, decrypt: Encrypt) -> Iterator[Finding]:
    for run_id, stored in statements.execute(QUERIES["list_unmasked_params"]).fetchall():
        try:
            decrypt(run_id, stored)
        except SecretsUnreadable:
            yield Finding(
                run_id,
                f"The secret parameters of run {run_id} were encrypted with another key, so it cannot begin. "
                f"{HOW_TO_SHARE_THE_KEY} Otherwise, cancel the run.",
                None,
            )


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
