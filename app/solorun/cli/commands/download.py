"""`solorun artifact`: download a file that a run left."""

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated

import typer

from solorun.cli.client import find_named_run, with_client
from solorun.cli.options import DEFAULT_URL, RunArgument, TokenFileOption, UrlOption
from solorun.cli.render.terminal import write
from solorun.errors import ArtifactNotFound

if TYPE_CHECKING:
    from solorun.client import RunClient


def artifact(
    run: RunArgument,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name, as `solorun show` tells it.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Where to write it, also over a file; else here, under its own name."),
    ] = None,
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
) -> None:
    """Download a file that a run left. It is there when the whole of it has come."""
    path = output or _own_path(name)

    async def download(client: "RunClient") -> None:
        found = await find_named_run(client, run)
        await client.download_artifact(found.id, name, path)

    with_client(url, token_file, download)
    write(f"Wrote {path}.\n")


def _own_path(name: str) -> Path:
    """The last part of the name, in the working directory, where nothing is overwritten unasked."""
    path = Path(PurePosixPath(name).name)
    if path.name in ("", ".."):
        raise ArtifactNotFound(f"No artifact has the name {name}.")
    if path.exists():
        raise typer.BadParameter(f"{path} is there already; -o {path} overwrites it.", param_hint="NAME")
    return path
