"""Error handling for all commands: an exception becomes a clear message on stderr and an exit code."""

import os
import sys
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import typer

from solorun.cli.exit_codes import ExitCode, exit_code_of_error
from solorun.cli.render.formatting import format_age
from solorun.cli.render.sanitize import sanitize
from solorun.errors import ConfigurationInvalid, InvalidRequest, RunActive, SolorunError, Unauthorized

P = ParamSpec("P")


def handle_errors(command: Callable[P, None]) -> Callable[P, None]:
    """Wrap `command` so that expected errors end it with a message and an exit code instead of a traceback."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
            sys.stdout.flush()
        except KeyboardInterrupt:
            raise typer.Exit(ExitCode.CANCELLED) from None
        except BrokenPipeError:
            _discard_output()
            raise typer.Exit(ExitCode.BROKEN_PIPE) from None
        except SolorunError as error:
            print_solorun_error(error)
            raise typer.Exit(exit_code_of_error(error)) from None
        except OSError as error:
            print_error(f"{error.strerror or error}: {error.filename}" if error.filename else str(error))
            raise typer.Exit(ExitCode.USAGE) from None

    return run


def print_error(text: str) -> None:
    """Print a message on stderr, in red on a terminal."""
    text = sanitize(text, lines=True)
    if sys.stderr.isatty() and not os.environ.get("NO_COLOR"):
        text = f"\x1b[31m{text}\x1b[0m"
    print(text, file=sys.stderr)


def print_solorun_error(error: SolorunError) -> None:
    """Say what is wrong and how to fix it."""
    match error:
        case RunActive(active_run=run):
            cancelling = " and is being cancelled" if run.cancel_requested_at else ""
            print_error(
                f"{run.project} is busy: run {run.id} has been {run.status} for {format_age(run.created_at)}"
                f"{cancelling} (triggered by {run.triggered_by}).\n"
                f"  solorun follow {run.id}\n"
                f"  solorun cancel {run.id}"
            )
        case ConfigurationInvalid(errors=errors) | InvalidRequest(errors=errors) if errors:
            print_error("\n".join(map(str, errors)))
        case Unauthorized():
            print_error(f"{error.message}\nSet SOLORUN_TOKEN or use --token-file.")
        case _:
            print_error(error.message)


def _discard_output() -> None:
    """Redirect stdout to /dev/null, or the interpreter would complain about the closed pipe when it exits."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
