"""`solorun serve`: run the service until a signal stops it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from solorun.cli.configuration import read_configuration
from solorun.cli.options import DEFAULT_CONFIG, ConfigOption, DataDirOption
from solorun.cli.param_types import port_number
from solorun.cli.service_process import LogFormatOption, print_lines, run_logged
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
    log_format: LogFormatOption = None,
) -> None:
    """Serve the projects of solorun.toml. Options override SOLORUN_<NAME> variables, which override the file."""
    flags: dict[str, Any] = {
        "data_dir": data_dir,
        "host": host,
        "port": port,
        "token_file": token_file,
        "log_format": log_format,
    }
    raise typer.Exit(run_logged(config, log_format, lambda environ: _serve(config, flags, environ)))


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

    catalog, settings = read_configuration(config, flags, environ)
    projects = [*catalog.configuration.projects, *(family.pattern for family in catalog.configuration.families)]
    catalog.log_warnings()

    def started(url: str) -> None:
        print_lines(
            settings,
            f"Serving {', '.join(projects) or 'no projects yet'} at {url} (data in {settings.data_dir})",
            describe_access(settings),
        )

    return run(settings, catalog, started=started)
