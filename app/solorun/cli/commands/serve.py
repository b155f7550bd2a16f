"""`solorun serve`: run the service until a signal stops it."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from solorun.cli.completion import one_of_values
from solorun.cli.configuration import read_configuration
from solorun.cli.errors import report_error
from solorun.cli.options import DEFAULT_CONFIG, ConfigOption, DataDirOption
from solorun.cli.param_types import port_number
from solorun.cli.render.messages import messages_as_json
from solorun.cli.render.terminal import write
from solorun.errors import SolorunError
from solorun.settings import LOG_FORMATS, Settings

_logger = logging.getLogger("solorun")


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
    log_format: Annotated[
        str | None,
        typer.Option(
            metavar="FORMAT",
            help="Lines of the service's own log: text or json.",
            autocompletion=one_of_values(LOG_FORMATS),
        ),
    ] = None,
) -> None:
    """Serve the projects of solorun.toml. Options override SOLORUN_<NAME> variables, which override the file."""
    from solorun.projects import read_service_table
    from solorun.server.queued_output import queued_standard_streams
    from solorun.server.service_log import format_dropped_lines, start_service_log
    from solorun.steps import protect_service

    environ = protect_service(owns_process=True)
    flags: dict[str, Any] = {
        "data_dir": data_dir,
        "host": host,
        "port": port,
        "token_file": token_file,
        "log_format": log_format,
    }
    # Read before the other settings, because the modules that are imported with the configuration may log.
    found = log_format or environ.get("SOLORUN_LOG_FORMAT") or read_service_table(config).get("log_format")
    as_json = found == "json"
    with queued_standard_streams(format_dropped_lines(as_json=as_json)), messages_as_json(as_json):
        start_service_log(as_json=as_json)
        try:
            code = _serve(config, flags, environ)
        except Exception as error:  # noqa: BLE001 - reported
            code = report_error(error)
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

    catalog, settings = read_configuration(config, flags, environ)
    projects = [*catalog.configuration.projects, *(family.pattern for family in catalog.configuration.families)]
    catalog.log_warnings()

    def started(url: str) -> None:
        for line in (
            f"Serving {', '.join(projects) or 'no projects yet'} at {url} (data in {settings.data_dir})",
            describe_access(settings),
        ):
            if settings.log_format == "json":
                _logger.info(line)
            else:
                write(f"{line}\n")

    try:
        return run(settings, catalog, started=started)
    except (SolorunError, OSError):
        raise
    except Exception:
        _logger.exception("The service stopped because of a bug in Solorun.")
        raise
