"""`solorun doctor`: check an installation and repair its database. The service must be stopped."""

import asyncio
import logging
import os
import shutil
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from solorun.cli.configuration import find_database_settings
from solorun.cli.exit_codes import ExitCode
from solorun.cli.options import DEFAULT_CONFIG, ConfigOption, DataDirOption
from solorun.cli.render.sanitize import sanitize
from solorun.cli.render.terminal import write
from solorun.settings import DataDirectory, Settings

if TYPE_CHECKING:
    from solorun.store import Finding


def doctor(
    fix: Annotated[bool, typer.Option("--fix", help="Repair what can be repaired.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    data_dir: DataDirOption = None,
) -> None:
    """Check the installation and the database. Stop the service first. Exits with 1 if a problem remains."""
    from solorun.service import MIN_FREE_BYTES
    from solorun.stores.sqlite.version_check import VERSION, describe_wal_reset_bug

    # The store logs its warnings.
    logging.basicConfig(level=logging.WARNING, format="warning: %(message)s", stream=sys.stdout)
    settings, errors = find_database_settings(config, data_dir)
    directory = DataDirectory(settings.data_dir, settings.shared_dir)
    database = f"SQLite {VERSION}" if settings.database_url is None else "PostgreSQL"
    write(f"Python {sys.version.split()[0]}, {database}\n")
    if settings.database_url is None and (warning := describe_wal_reset_bug()):
        write(f"warning: {warning}\n")
    for error in errors:
        write(f"configuration: {sanitize(error)}\n")
    is_valid = not errors
    if settings.database_url is None and not (directory.path / "solorun.db").exists():
        write(f"{directory.path} has no database yet. Nothing to check.\n")
    else:
        free_bytes = shutil.disk_usage(directory.path).free if directory.path.exists() else None
        if free_bytes is not None and free_bytes < MIN_FREE_BYTES:
            write(
                f"warning: the disk of {directory.path} has only {free_bytes // 2**20} MiB left, "
                "too little for the service.\n"
            )
        findings = asyncio.run(_check_database(settings, directory, fix=fix))
        is_valid &= _print_findings(findings, fix=fix)
    if not is_valid:
        raise typer.Exit(ExitCode.FAILED)


async def _check_database(settings: Settings, directory: DataDirectory, *, fix: bool) -> "list[Finding]":
    from solorun.artifacts import open_artifact_store
    from solorun.engine import open_store
    from solorun.stores.directory_lock import own_data_directory

    with own_data_directory(directory, owner="doctor"):
        store = await open_store(settings)
        try:
            findings = await store.check(repair=fix)
            if all(finding.repair is not None for finding in findings):
                last_id = next((run.id for run in await store.list_runs(limit=1)), 0)
                artifacts = open_artifact_store(settings, directory, os.environ)
                last_with_files = await artifacts.find_last_run_id()
                artifacts.close()
                if last_with_files > last_id:
                    write(
                        f"warning: artifacts of run {last_with_files} exist, but the database ends at run {last_id}: it"
                        f" is older than they are. The ids of new runs begin above {last_with_files}.\n"
                    )
            return findings
        finally:
            await store.close()


def _print_findings(findings: "list[Finding]", *, fix: bool) -> bool:
    """Print the findings. Return whether no problem remains."""
    if not findings:
        write("No problems found.\n")
        return True
    for finding in findings:
        where = f"run {finding.run_id}: " if finding.run_id is not None else ""
        write(f"{where}{sanitize(finding.message)}\n")
        if finding.repair is None:
            write("  cannot be repaired\n")
        else:
            write(f"  {'repaired' if fix else 'use --fix to repair it'}: {sanitize(finding.repair)}\n")
    return fix and all(finding.repair is not None for finding in findings)
