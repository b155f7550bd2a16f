"""`solorun serve` and `worker`: processes that run until a signal stops them."""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from solorun.cli.client import DEFAULT_URL
from solorun.cli.completion import one_of_values
from solorun.cli.configuration import read_configuration
from solorun.cli.errors import report_error
from solorun.cli.options import DEFAULT_CONFIG, ConfigOption, DataDirOption
from solorun.cli.param_types import labels as parse_labels
from solorun.cli.param_types import port_number, whole_number
from solorun.cli.render.formatting import format_labels
from solorun.cli.render.messages import messages_as_json
from solorun.cli.render.terminal import write
from solorun.errors import ConfigurationInvalid, FieldError, SolorunError
from solorun.settings import LOG_FORMATS, Settings
from solorun.worker import DEFAULT_CAPACITY, DEFAULT_LABEL, Worker

LogFormatOption = Annotated[
    str | None,
    typer.Option(
        metavar="FORMAT",
        help="Lines of the service's own log: text or json.",
        autocompletion=one_of_values(LOG_FORMATS),
    ),
]

_logger: Final = logging.getLogger("solorun")


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
    raise typer.Exit(_run_logged(config, log_format, lambda environ: _serve(config, flags, environ)))


def describe_access(settings: Settings) -> str:
    """Who can use the service, and how to restrict that."""
    if settings.token is not None:
        return "Requests need the token."
    return (
        "No token is set: anyone on this machine can start and cancel runs, and so can anyone who reaches it through "
        "a proxy or tunnel. Set token_file to require a token."
    )


def _serve(config: Path, flags: dict[str, Any], environ: Mapping[str, str]) -> int:
    from solorun.server import run

    catalog, settings = read_configuration(config, flags, environ)
    projects = [*catalog.configuration.projects, *(family.pattern for family in catalog.configuration.families)]
    catalog.log_warnings()

    def started(url: str) -> None:
        _print_lines(
            settings,
            f"Serving {', '.join(projects) or 'no projects yet'} at {url} (data in {settings.data_dir})",
            describe_access(settings),
            *([] if url == DEFAULT_URL else [f"Other commands need its address: export SOLORUN_URL={url}"]),
        )

    return run(settings, catalog, started=started)


def worker(
    config: ConfigOption = DEFAULT_CONFIG,
    data_dir: DataDirOption = None,
    labels: Annotated[
        str,
        typer.Option(
            metavar="LABELS", envvar="SOLORUN_LABELS", help="Labels of the runs that it executes, such as gpu,eu."
        ),
    ] = DEFAULT_LABEL,
    capacity: Annotated[
        int,
        typer.Option(
            metavar="N", envvar="SOLORUN_CAPACITY", parser=whole_number(1), help="How many runs it executes at a time."
        ),
    ] = DEFAULT_CAPACITY,
    log_format: LogFormatOption = None,
) -> None:
    """Execute runs that services have started. It needs their PostgreSQL database, and the same solorun.toml.

    SIGTERM or Ctrl-C drains it: it takes no new runs, and exits when those in progress have ended. A second
    one interrupts them.
    """
    names = parse_labels(labels)
    flags = {"data_dir": data_dir, "log_format": log_format}
    raise typer.Exit(_run_logged(config, log_format, lambda environ: _work(config, flags, environ, names, capacity)))


def _work(
    config: Path, flags: dict[str, Any], environ: Mapping[str, str], labels: tuple[str, ...], capacity: int
) -> int:
    from solorun.server.worker import run_worker

    catalog, settings = read_configuration(config, flags, environ, listens=False)
    if settings.database_url is None:
        message = "A worker shares a PostgreSQL database with the services. Set database_url or SOLORUN_DATABASE_URL."
        raise ConfigurationInvalid([FieldError("service.database_url", message)])
    catalog.log_warnings()
    if settings.artifact_store is None and settings.shared_dir is None:
        _logger.warning(
            "Artifacts stay in %s on this host. Set artifact_store or shared_dir to share them.", settings.data_dir
        )
    if settings.secret_key is None and settings.shared_dir is None and catalog.configuration.has_secret_params:
        _logger.warning(
            "This worker cannot read secret parameters. Set SOLORUN_SECRET_KEY or secret_key_file to the key of the "
            "services, or set shared_dir."
        )

    def started(worker: Worker) -> None:
        runs = "1 run" if capacity == 1 else f"{capacity} runs"
        _print_lines(
            settings,
            f"Worker {worker.id} executes up to {runs} with {format_labels(labels)} (data in {settings.data_dir})",
        )

    return run_worker(settings, catalog, labels=labels, capacity=capacity, started=started)


def _run_logged(config: Path, log_format: str | None, run: Callable[[Mapping[str, str]], int]) -> int:
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


def _print_lines(settings: Settings, *lines: str) -> None:
    """Print what a process says once it works, as lines of its log if that is JSON."""
    for line in lines:
        if settings.log_format == "json":
            _logger.info(line)
        else:
            write(f"{line}\n")
