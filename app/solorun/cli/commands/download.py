"""`solorun download`: download an artifact of a run."""

import os
import sys
from contextlib import aclosing
from pathlib import Path, PurePosixPath
from typing import Annotated

import typer

from solorun.cli.client import Client, connected, note_disconnect
from solorun.cli.completion import complete_artifacts
from solorun.cli.options import RunArgument
from solorun.cli.render.sanitize import sanitize
from solorun.cli.render.terminal import write
from solorun.errors import ArtifactNotFound


@connected
async def download(
    run: RunArgument,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]",
            help="Name of the artifact, as shown by `solorun show`. Default: all of them, as a zip.",
            autocompletion=complete_artifacts,
        ),
    ] = None,
    *,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Where to save it: a file, which is overwritten if it exists, a directory, or - for stdout. "
            "Default: its own name in the current directory.",
        ),
    ] = None,
    client: Client,
) -> None:
    """Download an artifact of a run, or all of them as a zip. The file appears only when the download is complete.

    If the connection is lost, the download of an artifact continues where it broke off; that of a zip does not. A
    symbolic link is kept, and the file that it points to is replaced. A device or a FIFO is written to directly.
    """
    found = await client.find_run(run)
    path = None if output == "-" else _choose_path(name or f"run-{found.id}.zip", output)
    if path is not None:
        await client.download_artifact(found.id, name, path, on_disconnect=note_disconnect)
        write(f"Saved {sanitize(str(path))}.\n")
        return
    if name is None:
        stream = client.stream_artifacts(found.id)
    else:
        stream = client.stream_artifact(found.id, name, on_disconnect=note_disconnect)
    async with aclosing(stream) as chunks:
        async for chunk in chunks:
            sys.stdout.buffer.write(chunk)


def _choose_path(name: str, output: str | None) -> Path:
    """The named file or, in a directory, the last part of the artifact's name. Raises if that file exists."""
    if output is not None and not output.endswith("/") and not Path(output).is_dir():
        return Path(output)
    directory = Path(output or "")
    file_name = PurePosixPath(name).name
    if file_name in ("", ".."):
        raise ArtifactNotFound(f"There is no artifact named {name}.")
    if not directory.is_dir():
        raise typer.BadParameter(f"There is no directory {directory}.", param_hint="--output")
    path = directory / os.fsdecode(file_name.encode("utf-8", "surrogateescape"))
    # A link that leads nowhere exists too.
    if os.path.lexists(path):
        raise typer.BadParameter(f"{path} already exists. Use -o {path} to overwrite it.", param_hint="NAME")
    return path
