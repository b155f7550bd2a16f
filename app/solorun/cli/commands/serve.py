"""`solorun serve`: run the service until a signal stops it."""

import logging
from typing import Annotated, Any

import typer

from solorun.cli.configuration import read_configuration
from solorun.cli.options import DEFAULT_CONFIG, ConfigOption, DataDirOption
from solorun.cli.param_types import whole_number
from solorun.cli.render.terminal import write


def serve(
    config: ConfigOption = DEFAULT_CONFIG,
    data_dir: DataDirOption = None,
    host: Annotated[str | None, typer.Option(metavar="HOST", help="Address to listen on.")] = None,
    port: Annotated[
        int | None, typer.Option(metavar="PORT", parser=whole_number(0), help="Port to listen on; 0 picks a free one.")
    ] = None,
    token_file: Annotated[
        str | None, typer.Option(metavar="FILE", help="File with the token that clients must send.")
    ] = None,
) -> None:
    """Serve the projects of solorun.toml. Options override SOLORUN_<NAME> variables, which override the file."""
    from solorun.server import run
    from solorun.steps import protect_service

    environ = protect_service()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # Its messages about the process repeat ours.
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    flags: dict[str, Any] = {"data_dir": data_dir, "host": host, "port": port, "token_file": token_file}
    catalog, settings = read_configuration(config, flags, environ)
    projects = [*catalog.configuration.projects, *(family.pattern for family in catalog.configuration.families)]
    catalog.log_cautions()

    def started(url: str) -> None:
        write(f"Serving {', '.join(projects) or 'no projects yet'} at {url} (data in {settings.data_dir})\n")

    raise typer.Exit(run(settings, catalog, started=started))
