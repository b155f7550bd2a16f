"""What `solorun serve` and `solorun worker` share: the log of a process that runs until a signal stops it."""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Final

import typer

from solorun.cli.completion import one_of_values
from solorun.cli.errors import report_error
from solorun.cli.render.messages import messages_as_json
from solorun.cli.render.terminal import write
from solorun.errors import SolorunError
from solorun.settings import LOG_FORMATS, Settings

LogFormatOption = Annotated[
    str | None,
    typer.Option(
        metavar="FORMAT",
        help="Lines of the service's own log: text or json.",
        autocompletion=one_of_values(LOG_FORMATS),
    ),
]

_logger: Final = logging.getLogger("solorun")


def run_logged(config: Path, log_format: str | None, run: Callable[[Mapping[str, str]], int]) -> int:
    """Start the log, call `run` with the environment, and return its exit code, or that of its error, which is logged.

    Secrets are taken out of the environment of this process first.
    """
    from solorun.projects import read_service_table
    from solorun.server.queued_output import queued_standard_streams
    from solorun.server.service_log import format_dropped_lines, start_service_log
    from solorun.steps import protect_service

    environ = protect_service(owns_process=True)
    # Read before the other settings, because the modules that are imported with the configuration may log.
    found = log_format or environ.get("SOLORUN_LOG_FORMAT") or read_service_table(config).get("log_format")
    as_json = found == "json"
    with queued_standard_streams(format_dropped_lines(as_json=as_json)), messages_as_json(as_json):
        start_service_log(as_json=as_json)
        try:
            return run(environ)
        except (SolorunError, OSError) as error:
            return report_error(error)
        except Exception as error:
            _logger.exception("The process stopped because of a bug in Solorun.")
            return report_error(error)


def print_lines(settings: Settings, *lines: str) -> None:
    """Print what a process says once it works, as lines of its log if that is JSON."""
    for line in lines:
        if settings.log_format == "json":
            _logger.info(line)
        else:
            write(f"{line}\n")
