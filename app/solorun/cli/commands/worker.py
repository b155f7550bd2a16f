"""`solorun worker`: execute runs that services have started, on any host."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from solorun.cli.configuration import read_configuration
from solorun.cli.options import DEFAULT_CONFIG, ConfigOption, DataDirOption
from solorun.cli.param_types import labels as parse_labels
from solorun.cli.param_types import whole_number
from solorun.cli.render.formatting import format_labels
from solorun.cli.service_process import LogFormatOption, print_lines, run_logged
from solorun.errors import ConfigurationInvalid, FieldError
from solorun.worker import DEFAULT_CAPACITY, DEFAULT_LABEL, Worker

_logger: Final = logging.getLogger("solorun")


def worker(
    config: ConfigOption = DEFAULT_CONFIG,
    data_dir: DataDirOption = None,
    labels: Annotated[
        str,
        typer.Option(
            metavar="LABELS", envvar="SOLORUN_LABELS", help="Labels of the runs that it executes, like gpu,eu."
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

    SIGTERM or Ctrl-C drains it: it begins no more runs, and exits when those in progress have ended. The second
    interrupts them.
    """
    names = parse_labels(labels)
    flags = {"data_dir": data_dir, "log_format": log_format}
    raise typer.Exit(run_logged(config, log_format, lambda environ: _work(config, flags, environ, names, capacity)))


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
        print_lines(
            settings,
            f"Worker {worker.id} executes up to {capacity} runs with {format_labels(labels)} "
            f"(data in {settings.data_dir})",
        )

    return run_worker(settings, catalog, labels=labels, capacity=capacity, started=started)
