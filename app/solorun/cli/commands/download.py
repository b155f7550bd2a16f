"""`solorun download`: download an artifact of a run."""

import os
import sys
from contextlib import aclosing
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, Final

import typer

from solorun.cli.client import connected, find_named_run
from solorun.cli.options import RunArgument
from solorun.cli.render.sanitize import sanitize
from solorun.cli.render.terminal import write
from solorun.errors import ArtifactNotFound

if TYPE_CHECKING:
    from solorun.client import RunClient

STDOUT: Final = "-"


@connected
async def download(
    run: RunArgument,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the artifact, as shown by `solorun show`.")],
    *,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="File to save it to, overwriting an existing one; a directory; or - for stdout. "
            "Default: its own name in the current directory.",
        ),
    ] = None,
    client: "RunClient",
) -> None:
    """Download an artifact of a run. The file appears only when the download is complete.

    A link stays and its file is replaced; a device or a FIFO is written into.
    """
    path = None if output == STDOUT else _choose_path(name, output)
    found = await find_named_run(client, run)
    if path is not None:
        await client.download_artifact(found.id, name, path)
        write(f"Saved {sanitize(str(path))}.\n")
        return
    async with aclosing(client.stream_artifact(found.id, name)) as chunks:
        async for chunk in chunks:
            sys.stdout.buffer.write(chunk)


def _choose_path(name: str, output: str | None) -> Path:
    if output is None:
        return _new_path(name, Path())
    if output.endswith("/") or Path(output).is_dir():
        return _new_path(name, Path(output))
    return Path(output)


def _new_path(name: str, directory: Path) -> Path:
    """The last part of the name, in this directory. Raises if that file exists."""
    file_name = PurePosixPath(name).name
    if file_name in ("", ".."):
        raise ArtifactNotFound(f"There is no artifact named {name}.")
    if not directory.is_dir():
        raise typer.BadParameter(f"There is no directory {directory}.", param_hint="--output")
    path = directory / file_name
    # A link that leads nowhere exists too.
    if os.path.lexists(path):
        raise typer.BadParameter(f"{path} already exists. Use -o {path} to overwrite it.", param_hint="NAME")
    return path
