"""Assembles the commands into one application, and returns its exit code.

Commands import httpx, rich and the service inside their functions to keep `solorun --help` fast.
"""

import sys
from collections.abc import Sequence
from itertools import takewhile
from typing import Annotated, Any

import typer

from solorun.cli.command_group import CommandGroup
from solorun.cli.commands.backup import backup, restore
from solorun.cli.commands.deliveries import deliveries, notify, redeliver
from solorun.cli.commands.demo import demo
from solorun.cli.commands.doctor import doctor
from solorun.cli.commands.download import download
from solorun.cli.commands.follow import cancel, follow, wait
from solorun.cli.commands.hooks import hooks
from solorun.cli.commands.init import check, init, schema
from solorun.cli.commands.log import log
from solorun.cli.commands.mcp import mcp
from solorun.cli.commands.migrate_to import migrate_to
from solorun.cli.commands.resources import resources
from solorun.cli.commands.retention import pin, prune, unpin
from solorun.cli.commands.runs import runs
from solorun.cli.commands.schedules import firings, pause, resume, schedules, trigger
from solorun.cli.commands.serve import serve, worker
from solorun.cli.commands.show import show
from solorun.cli.commands.start import rerun, start
from solorun.cli.commands.start_help import StartCommand
from solorun.cli.commands.workers import drain, workers
from solorun.cli.descriptors import open_standard_descriptors
from solorun.cli.errors import USAGE_ERRORS, handle_errors, report_error
from solorun.cli.exit_codes import ExitCode
from solorun.cli.render.messages import messages_as_json, print_error
from solorun.cli.render.terminal import prepare_output

_EPILOG = (
    "Exit codes: 0 completed, 1 failed, 2 usage or configuration error, 3 conflict, 4 interrupted, "
    "5 service unreachable, 6 not found, 7 Ctrl-C ended the command, 130 cancelled."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code. By default, `arguments` are those of the process."""
    open_standard_descriptors()
    prepare_output()
    _app.rich_markup_mode = "rich" if sys.stdout.isatty() else None
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    # Looked up here, because an error of the command line is reported before its options are parsed.
    as_json = "--json" in takewhile(lambda argument: argument != "--", arguments)
    with messages_as_json(as_json):
        try:
            code = _app(arguments, prog_name="solorun", standalone_mode=False)
            sys.stdout.flush()
        except USAGE_ERRORS as error:
            return _report_usage_error(error, as_json=as_json)
        except SystemExit as end:
            # Typer exits with 1 if the reader of a help page has closed the pipe.
            if isinstance(end.__context__, BrokenPipeError):
                return report_error(end.__context__)
            return end.code if isinstance(end.code, int) else int(end.code is not None)
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - reported
            return report_error(error)
    return code if isinstance(code, int) else 0


def _report_usage_error(error: Any, *, as_json: bool) -> int:
    """Print the error of a command line with the command's usage, as Typer itself would."""
    if as_json:
        print_error(error.format_message(), type="usage", exit_code=ExitCode.USAGE)
    elif _app.rich_markup_mode is None:
        error.show()
    else:
        from typer.rich_utils import rich_format_error

        rich_format_error(error)
    return ExitCode.USAGE


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"solorun {version('solorun')}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Run jobs that must never overlap. Watch them live, cancel them reliably, and keep every line you saw."""


_app = typer.Typer(
    cls=CommandGroup,
    no_args_is_help=True,
    # A plain traceback is easy to paste into a bug report, and does not show the values of variables, such as a token.
    pretty_exceptions_enable=False,
    epilog=_EPILOG,
)
_app.callback()(_root)
for _heading, _commands in {
    "Set up and serve": (init, check, schema, demo, serve, worker, mcp),
    "Start and stop runs": (start, rerun, follow, wait, cancel),
    "Look at runs, and keep them": (runs, show, log, download, pin, unpin, prune),
    "Schedules": (schedules, firings, pause, resume, trigger),
    "Machines and resources": (workers, drain, resources),
    "Notifications and hooks": (notify, deliveries, redeliver, hooks),
    "Maintain the database": (doctor, backup, restore, migrate_to),
}.items():
    for _command in _commands:
        _class = StartCommand if _command is start else None
        _app.command(cls=_class, rich_help_panel=_heading)(handle_errors(_command))
