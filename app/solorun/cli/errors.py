"""The fence around every command: an error becomes one clear sentence on stderr and an exit code."""

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


def guarded(command: Callable[P, None]) -> Callable[P, None]:
    """`command`, ending with an exit code instead of a traceback for whatever a user can meet."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
            sys.stdout.flush()
        except KeyboardInterrupt:
            raise typer.Exit(ExitCode.CANCELLED) from None
        except BrokenPipeError:
            _forget_output()
            raise typer.Exit(ExitCode.BROKEN_PIPE) from None
        except SolorunError as error:
            report(error)
            raise typer.Exit(exit_code_of_error(error)) from None
        except OSError as error:
            print_error(f"{error.strerror or error}: {error.filename}" if error.filename else str(error))
            raise typer.Exit(ExitCode.USAGE) from None

    return run


def print_error(text: str) -> None:
    """One message on stderr, in red where a terminal is there."""
    text = sanitize(text, lines=True)
    if sys.stderr.isatty() and not os.environ.get("NO_COLOR"):
        text = f"\x1b[31m{text}\x1b[0m"
    print(text, file=sys.stderr)


def report(error: SolorunError) -> None:
    """Say what is wrong, and what can be done about it."""
    match error:
        case RunActive(active_run=run):
            cancelling = ", being cancelled" if run.cancel_requested_at else ""
            print_error(
                f"{error.message}\n"
                f"It is {run.status}{cancelling}, since {format_age(run.created_at)}, "
                f"triggered by {run.triggered_by}.\n"
                f"  solorun follow {run.id}\n"
                f"  solorun cancel {run.id}"
            )
        case ConfigurationInvalid(errors=errors) | InvalidRequest(errors=errors) if errors:
            print_error("\n".join(map(str, errors)))
        case Unauthorized():
            print_error(f"{error.message}\nSet SOLORUN_TOKEN, or name the token's file: --token-file.")
        case _:
            print_error(error.message)


def _forget_output() -> None:
    """Let the interpreter's own flush at exit go nowhere, or it would print_error about the pipe again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
