"""`solorun doctor`: what is wrong with an installation, and the repair of its database. The service is stopped."""

import asyncio
import logging
import shutil
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from solorun.cli.configuration import read_configuration
from solorun.cli.exit_codes import ExitCode
from solorun.cli.options import DEFAULT_CONFIG, ConfigOption, DataDirOption
from solorun.cli.render.sanitize import sanitize
from solorun.cli.render.terminal import write
from solorun.errors import ConfigurationInvalid
from solorun.settings import DataDirectory

if TYPE_CHECKING:
    from solorun.store import Finding


def doctor(
    fix: Annotated[bool, typer.Option("--fix", help="Repair what can be repaired.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    data_dir: DataDirOption = None,
) -> None:
    """Check the installation and the database's invariants. Exit code 1 when something is left that must not be so."""
    from solorun.stores.sqlite.version_check import VERSION

    # What the store has to warn of, it logs.
    logging.basicConfig(level=logging.WARNING, format="note: %(message)s", stream=sys.stdout)
    write(f"Python {sys.version.split()[0]}, SQLite {VERSION}\n")
    directory, faults = _find_directory(config, data_dir)
    for fault in faults:
        write(f"configuration: {sanitize(fault)}\n")
    is_good = not faults
    if not (directory.path / "solorun.db").exists():
        write(f"There is no database in {directory.path} yet: nothing to check.\n")
    else:
        for warning in check_directory(directory):
            write(f"note: {warning}\n")
        findings = asyncio.run(_check_database(directory, fix=fix))
        is_good &= _tell_findings(findings, fix=fix)
    if not is_good:
        raise typer.Exit(ExitCode.FAILED)


def check_directory(directory: DataDirectory) -> Iterator[str]:
    """What is unwise about the data directory."""
    from solorun.service import MIN_FREE_BYTES

    mode = directory.path.stat().st_mode
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        yield f"others on this machine can read the logs in {directory.path}; `chmod 700` would keep them yours."
    free_bytes = shutil.disk_usage(directory.path).free
    if free_bytes < MIN_FREE_BYTES:
        yield f"the disk of {directory.path} has {free_bytes // 2**20} MiB left: the service would not be ready."


def _find_directory(config: Path, data_dir: Path | None) -> tuple[DataDirectory, list[str]]:
    """Where the database is, also when the file is broken, and the faults of the configuration."""
    if data_dir is not None and not config.exists():
        return DataDirectory(data_dir.absolute()), []
    try:
        _, settings = read_configuration(config, {"data_dir": data_dir})
    except ConfigurationInvalid as invalid:
        if data_dir is None:
            # Not the default directory: the broken file may name another, and checking the wrong one says nothing.
            raise
        return DataDirectory(data_dir.absolute()), [str(fault) for fault in invalid.errors]
    return DataDirectory(settings.data_dir), []


async def _check_database(directory: DataDirectory, *, fix: bool) -> "list[Finding]":
    from solorun.stores.directory_lock import own_data_directory
    from solorun.stores.sqlite import SqliteRunStore

    with own_data_directory(directory, owner="doctor"):
        store = await SqliteRunStore.open(directory.path)
        try:
            return await store.check(repair=fix)
        finally:
            await store.close()


def _tell_findings(findings: "list[Finding]", *, fix: bool) -> bool:
    """Print the findings; whether nothing is left that must not be so."""
    if not findings:
        write("The database is good.\n")
        return True
    for finding in findings:
        where = f"run {finding.run_id}: " if finding.run_id is not None else ""
        write(f"{where}{sanitize(finding.message)}\n")
        if finding.repair is None:
            write("  cannot be repaired\n")
        else:
            write(f"  {'repaired' if fix else '--fix would repair it'}: {sanitize(finding.repair)}\n")
    return fix and all(finding.repair is not None for finding in findings)
