"""`solorun serve`: the service, until it is told to stop."""

import logging
from typing import Annotated, Any

import typer

from solorun.cli.configuration import read_configuration
from solorun.cli.options import DEFAULT_CONFIG, ConfigOption, DataDirOption
from solorun.cli.param_types import whole_number
from solorun.cli.render.terminal import write
from solorun.settings import Settings


def serve(
    config: ConfigOption = DEFAULT_CONFIG,
    data_dir: DataDirOption = None,
    host: Annotated[str | None, typer.Option(help="The address to listen on.")] = None,
    port: Annotated[
        int | None, typer.Option(metavar="PORT", parser=whole_number(0), help="The port; 0 takes a free one.")
    ] = None,
    token_file: Annotated[str | None, typer.Option(help="A file with the token that callers need.")] = None,
) -> None:
    """Serve the projects of solorun.toml. A flag beats SOLORUN_<NAME> beats the file."""
    from solorun.server import run

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # Its words about the process say nothing that ours do not.
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    flags: dict[str, Any] = {"data_dir": data_dir, "host": host, "port": port, "token_file": token_file}
    catalog, settings = read_configuration(config, flags)
    projects = [*catalog.configuration.projects, *(family.pattern for family in catalog.configuration.families)]
    catalog.log_warnings()

    def started(url: str) -> None:
        write(describe_service(url, settings, projects))

    raise typer.Exit(run(settings, catalog, started=started))


def describe_service(url: str, settings: Settings, projects: list[str]) -> str:
    """The one line that says where the service is and what it serves."""
    names = ", ".join(projects) or "none yet"
    return f"Solorun serves {names} at {url} (data in {settings.data_dir}).\n"
