"""The schema in PostgreSQL: the migrations of SQLite, and PostgreSQL's own version of those that need one.

Two versions of Solorun may use a database at the same time, so a migration only adds what the previous version can
ignore. One that cannot do that sets `needs`: the lowest schema version that a program must know.
"""

from collections.abc import Sequence
from importlib.resources import files
from typing import Final

from solorun.errors import DatabaseUnusable
from solorun.stores.postgres.statements import Statements
from solorun.stores.sql.migrations import load_migrations

MIGRATIONS: Final = load_migrations(files("solorun.stores.sqlite") / "migrations", files(__package__) / "migrations")

_WAIT_FOR_LOCK: Final = """
SET LOCAL statement_timeout = 0;
SET LOCAL lock_timeout = 0;
SELECT pg_advisory_xact_lock(hashtext('solorun migrations'), hashtext(current_schema()));
-- A change of a table that waits for a long transaction must not hold up everyone else behind it.
SET LOCAL lock_timeout = '5s';
CREATE TABLE IF NOT EXISTS solorun_schema (version INTEGER NOT NULL, needs INTEGER NOT NULL);
"""


def migrate(statements: Statements, migrations: Sequence[str] = MIGRATIONS) -> None:
    """Apply the missing migrations in the caller's transaction. Only one process at a time does that.

    Raises DatabaseUnusable if a newer version has made the database unusable for this one.
    """
    ((encoding,),) = statements.execute("SHOW server_encoding").fetchall()
    if encoding != "UTF8":
        raise DatabaseUnusable(f"The database's encoding is {encoding}. Use a database with the encoding UTF8.")
    statements.execute_script(_WAIT_FOR_LOCK)
    row = statements.execute("SELECT version, needs FROM solorun_schema").fetchone()
    version, needs = row or (0, 0)
    if needs > len(migrations):
        raise DatabaseUnusable(
            f"The database was changed by a newer version of Solorun: it needs schema version {needs}, and this"
            f" version supports schemas up to {len(migrations)}. Use the newer version, or another database."
        )
    if row is None:
        statements.execute("INSERT INTO solorun_schema (version, needs) VALUES (0, 0)")
    for number, script in enumerate(migrations[version:], start=version + 1):
        statements.execute_script(script)
        statements.execute("UPDATE solorun_schema SET version = :number", {"number": number})
