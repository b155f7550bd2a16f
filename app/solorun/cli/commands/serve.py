"""`solorun serve`: run the service until a signal stops it."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from solorun.cli.configuration import read_configuration
from solorun.cli.options import DEFAULT_CONFIG, ConfigOption, DataDirOption
from solorun.cli.param_types import port_number
from solorun.cli.render.terminal import write
from solorun.errors import SolorunError
from solorun.settings import Settings


def serve(
    config: ConfigOption = DEFAULT_CONFIG,
    data_dir: DataDirOption = None,
    host: Annotated[str | None, typer.Option(metavar="HOST", help="Address to listen on.")] = None,
    port: Annotated[
        int | None, typer.Option(metavar="PORT", parser=port_number, help="Port to listen on; 0 picks a free one.")
    ] = None,
    token_file: Annotated[
        str | None, typer.Option(metavar="FILE", help="File with the token that clients must send.")
    ] = None,
) -> None:
    """Serve the projects of solorun.toml. Options override SOLORUN_<NAME> variables, which override the file."""
    from solorun.server.queued_output import queued_standard_streams
    from solorun.steps import protect_service

    environ = protect_service(owns_process=True)
    flags: dict[str, Any] = {"data_dir": data_dir, "host": host, "port": port, "token_file": token_file}
    with queued_standard_streams():
        code = _serve(config, flags, environ)
    raise typer.Exit(code)


def describe_access(settings: Settings) -> str:
    """Who can use the service, and how to restrict that."""
    if settings.token is not None:
        return "Requests need the token."
    return (
        "No token is set: everyone on this machine, or at the other end of a proxy or tunnel to it, can start and "
        "cancel runs. Set token_file to require a token."
    )


def _serve(config: Path, flags: dict[str, Any], environ: Mapping[str, str]) -> int:
    from solorun.server import run
    from solorun.server.service_log import start_service_log

    start_service_log()
    catalog, settings = read_configuration(config, flags, environ)
    projects = [*catalog.configuration.projects, *(family.pattern for family in catalog.configuration.families)]
    catalog.log_warnings()

    def started(url: str) -> None:
        write(f"Serving {', '.join(projects) or 'no projects yet'} at {url} (data in {settings.data_dir})\n")
        write(f"{describe_access(settings)}\n")

    try:
        return run(settings, catalog, started=started)
    except (SolorunError, OSError):
        raise
    except Exception:
        logging.getLogger("solorun").exception("The service stopped because of a bug in Solorun.")
        raise
