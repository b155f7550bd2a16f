"""`solorun backup` and `restore`: save a copy of the database, and put one in the place of the database."""

import asyncio
import logging
import os
import secrets
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from solorun.cli.client import DEFAULT_URL, Client, connected
from solorun.cli.configuration import find_database_settings
from solorun.cli.exit_codes import ExitCode
from solorun.cli.options import DEFAULT_CONFIG, ConfigOption, DataDirOption
from solorun.cli.render.messages import print_error, print_note
from solorun.cli.render.sanitize import sanitize
from solorun.cli.render.terminal import write
from solorun.errors import ConfigurationInvalid, ServiceUnreachable
from solorun.run import format_size
from solorun.settings import DataDirectory, Settings


@connected
async def backup(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Where to save the backup; replaced if it exists.", dir_okay=False)
    ],
    *,
    config: ConfigOption = DEFAULT_CONFIG,
    data_dir: DataDirOption = None,
    client: Client,
) -> None:
    """Save a copy of a running service's database. It has every run acknowledged so far, but no artifacts.

    The copy is checked as `doctor` checks a database, and FILE appears only when it is complete. If no service runs
    at the default URL, the database is copied from the data directory.
    """
    from solorun.stores.sqlite.restore import check_copy

    with _unfinished(file) as directory:
        copy = directory / "solorun.db"
        try:
            await client.download_backup(copy)
        except ServiceUnreachable as unreachable:
            settings = _find_stopped_service(client.url, unreachable, config, data_dir)
            if settings is None:
                raise
            await _copy_stopped(settings, copy)
            print_note(f"No service is running: copied the database in {settings.data_dir}.")
        findings = await check_copy(directory, name=file)
        for finding in findings:
            print_error(f"The database has a problem: {finding.message}")
        if findings:
            print_error("The backup was not saved. Stop the service, and run `solorun doctor`.")
            raise typer.Exit(ExitCode.FAILED)
        size = format_size(copy.stat().st_size)
        await asyncio.to_thread(_publish, copy, file)
    write(f"Saved {sanitize(str(file))} ({size}). It has no problems.\n")


@contextmanager
def _unfinished(file: Path) -> Iterator[Path]:
    """A private directory beside the file."""
    directory = Path(os.path.realpath(file)).with_name(f".solorun-{secrets.token_hex(8)}.part")
    try:
        directory.mkdir(mode=0o700)
    except OSError as error:
        error.filename = str(file)  # The temporary name would mean nothing to the user.
        raise
    try:
        yield directory
    finally:
        shutil.rmtree(directory)


def _publish(copy: Path, file: Path) -> None:
    copy.chmod(0o600)
    with copy.open("rb") as opened:
        os.fsync(opened.fileno())
    copy.replace(os.path.realpath(file))


def _find_stopped_service(
    url: str, unreachable: ServiceUnreachable, config: Path, data_dir: Path | None
) -> Settings | None:
    """The settings of the service to copy without its help. None if it may be another one, or if it answered."""
    # Subclasses mean that an answer was lost.
    if url != DEFAULT_URL or type(unreachable) is not ServiceUnreachable:
        return None
    try:
        settings, _ = find_database_settings(config, data_dir)
    except ConfigurationInvalid:
        return None
    has_database = settings.database_url is not None or (settings.data_dir / "solorun.db").exists()
    return settings if has_database else None


async def _copy_stopped(settings: Settings, copy: Path) -> None:
    from solorun.engine import open_store
    from solorun.stores.directory_lock import own_data_directory

    with own_data_directory(DataDirectory(settings.data_dir), owner="backup"):
        store = await open_store(settings)
        try:
            with os.fdopen(await store.open_backup(), "rb") as source, copy.open("xb") as target:
                await asyncio.to_thread(shutil.copyfileobj, source, target)
        finally:
            await store.close()


def restore(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="A backup, as `solorun backup` saves it.", exists=True, dir_okay=False),
    ],
    force: Annotated[bool, typer.Option("--force", help="Replace an existing database. Its runs are lost.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    data_dir: DataDirOption = None,
) -> None:
    """Restore a backup into the data directory. Stop the service first. Exits with 1 if the backup has problems.

    New runs get ids above those in the backup, in the artifacts, and in the database that is replaced.
    """
    from solorun.artifacts.scan import find_last_run_id
    from solorun.stores.directory_lock import own_data_directory
    from solorun.stores.sqlite.restore import restore as restore_backup

    logging.basicConfig(level=logging.WARNING, format="warning: %(message)s", stream=sys.stdout)
    settings, _ = find_database_settings(config, data_dir)
    if settings.database_url is not None:
        raise typer.BadParameter("The runs are in PostgreSQL. Restore them with pg_restore.", param_hint="FILE")
    directory = DataDirectory(settings.data_dir, settings.shared_dir)
    with own_data_directory(directory, owner="restore"):
        database = directory.path / "solorun.db"
        if database.exists() and not force:
            raise typer.BadParameter(f"{database} exists. Use --force to replace it.", param_hint="FILE")
        last_id = find_last_run_id(directory.all_artifacts)
        findings = asyncio.run(restore_backup(file, directory.path, last_id=last_id))
    for finding in findings:
        print_error(f"The backup has a problem: {finding.message}")
    if findings:
        print_error("Nothing was restored.")
        raise typer.Exit(ExitCode.FAILED)
    write(f"Restored {sanitize(str(file))} to {sanitize(str(database))}. It has no problems.\n")
