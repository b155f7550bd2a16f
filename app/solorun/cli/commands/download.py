"""`solorun download`: download an artifact of a run."""

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated

import typer

from solorun.cli.client import find_named_run, with_client
from solorun.cli.options import DEFAULT_URL, RunArgument, TokenFileOption, UrlOption
from solorun.cli.render.terminal import write
from solorun.errors import ArtifactNotFound

if TYPE_CHECKING:
    from solorun.client import RunClient


def download(
    run: RunArgument,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the artifact, as shown by `solorun show`.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="File to save it to, overwriting an existing one. Default: its own name in the current directory.",
        ),
    ] = None,
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
) -> None:
    """Download an artifact of a run. The file appears only when the download is complete."""
    path = output or _default_path(name)

    async def save(client: "RunClient") -> None:
        found = await find_named_run(client, run)
        await client.download_artifact(found.id, name, path)

    with_client(url, token_file, save)
    write(f"Saved {path}.\n")


def _default_path(name: str) -> Path:
    """The last part of the name, in the current directory. Raises if that file exists."""
    path = Path(PurePosixPath(name).name)
    if path.name in ("", ".."):
        raise ArtifactNotFound(f"There is no artifact named {name}.")
    if path.exists():
        raise typer.BadParameter(f"{path} already exists. Use -o {path} to overwrite it.", param_hint="NAME")
    return path
