"""Error handling for all commands: an exception becomes a clear message on stderr and an exit code."""

import os
import sys
import traceback
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, Final

import typer

from solorun.cli.client import DEFAULT_URL
from solorun.cli.exit_codes import ExitCode, exit_code_of_error
from solorun.cli.render.formatting import format_age, format_origin
from solorun.cli.render.messages import print_error
from solorun.cli.text_arguments import decode_texts
from solorun.errors import (
    ConfigurationInvalid,
    FieldError,
    InvalidRequest,
    ResourceBusy,
    RunActive,
    ServiceUnreachable,
    SolorunError,
    Unauthorized,
)
from solorun.settings import DEFAULT_PORT

USAGE_ERRORS: Final[tuple[type[Exception], ...]] = tuple(
    kind for kind in typer.BadParameter.__mro__ if issubclass(kind, Exception) and kind is not Exception
)
"""Click's exceptions for a wrong command line. Typer exports none of their base classes."""
_MEMBERS: Final = ("active_run", "holders", "choices", "run", "errors")
"""The members that the HTTP API's problem would have."""


def handle_errors(command: Callable[..., None]) -> Callable[..., None]:
    """Wrap `command` so that errors end it with a message and an exit code instead of a traceback, and decode texts."""

    @wraps(command)
    def run(**arguments: Any) -> None:
        try:
            command(**decode_texts(arguments))
            sys.stdout.flush()
        except typer.Exit:
            raise
        except USAGE_ERRORS:
            raise
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - reported
            raise typer.Exit(report_error(error)) from None

    return run


def report_error(error: BaseException) -> int:
    """Print what is wrong and how to fix it, and return the exit code."""
    code, members = ExitCode.USAGE, {}
    match error:
        case KeyboardInterrupt():
            return ExitCode.CTRL_C
        case BrokenPipeError():
            _discard_output()
            return ExitCode.BROKEN_PIPE
        case SolorunError():
            code = exit_code_of_error(error)
            members = {name: getattr(error, name) for name in _MEMBERS if hasattr(error, name)}
            kind, text = error.slug, _describe(error)
        case UnicodeEncodeError():
            # The only text that is not Unicode comes from the command line.
            kind, text = "usage", "An argument is not valid UTF-8."
        case OSError():
            _discard_output()
            reason = error.strerror or str(error)
            kind, text = "os-error", f"{reason}: {error.filename}" if error.filename else reason
        case _:
            # Without its text, which could contain a secret.
            kind, text = "bug", f"This is a bug in Solorun: {type(error).__name__} at {_place_of(error)}."
    print_error(text, type=kind, exit_code=code, **members)
    return code


def _describe(error: SolorunError) -> str:
    match error:
        case RunActive(active_run=run):
            cancelling = " and is being cancelled" if run.cancel_requested_at else ""
            return (
                f"{run.project} is busy: run {run.id} has been {run.status} for {format_age(run.created_at)}"
                f"{cancelling} (started {format_origin(run.triggered_by)}).\n"
                f"  solorun follow {run.id}\n"
                f"  solorun cancel {run.id}"
                f"{_describe_choices(error)}"
            )
        case ResourceBusy():
            return f"{error.message}{_describe_choices(error)}"
        case ConfigurationInvalid(errors=errors) | InvalidRequest(errors=errors) if errors:
            return "\n".join(map(_describe_fault, errors))
        case ServiceUnreachable():
            return (
                f"{error.message} Start one with `solorun serve`, or name another one with --url or SOLORUN_URL."
                f"{_describe_other_port(error)}"
            )
        case Unauthorized():
            return f"{error.message}\nSet SOLORUN_TOKEN or use --token-file."
        case _:
            return error.message


def _describe_other_port(error: ServiceUnreachable) -> str:
    """Where the service of this directory listens, if a command that names none has looked at the default port."""
    from solorun.projects import read_service_table

    port = read_service_table(Path("solorun.toml")).get("port", DEFAULT_PORT)
    if f"{DEFAULT_URL} " not in error.message or type(port) is not int or port in (0, DEFAULT_PORT):
        return ""
    return f" The solorun.toml in this directory has port {port}: use --url http://127.0.0.1:{port}."


def _describe_choices(error: RunActive | ResourceBusy) -> str:
    """The options of `solorun start` that would not be refused, and what each would do now."""
    choices = error.choices
    if choices is None:
        return ""
    lines = []
    if choices.join.possible:
        lines.append(f"  --on-conflict join     follow run {choices.join.run_id}, which does the same work")
    if choices.queue.possible:
        lines.append(f"  --on-conflict queue    wait, as number {choices.queue.position} in the queue")
    if choices.replace.possible and choices.replace.cancels is not None:
        lines.append(f"  --on-conflict replace  cancel run {choices.replace.cancels}, and begin when it has stopped")
    if lines:
        lines.insert(0, "Or start with:")
    if choices.join.run_id is not None and choices.join.reason:
        lines.append(f"It cannot be joined: {choices.join.reason}.")
    return "".join(f"\n{line}" for line in lines)


def _describe_fault(fault: FieldError) -> str:
    """Names the option instead of the place in the request's body: `--param edition` for `/params/edition`."""
    if not fault.pointer.startswith("/"):
        return str(fault)
    name, *rest = [part.replace("~1", "/").replace("~0", "~") for part in fault.pointer[1:].split("/")]
    option = f"--param {'/'.join(rest)}" if name == "params" and rest else f"--{name.replace('_', '-')}"
    return f"{option}: {fault.message}"


def _place_of(error: BaseException) -> str:
    """The innermost places in the code, enough for a bug report."""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    return ", called from ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames))


def _discard_output() -> None:
    """Redirect stdout to /dev/null, or the interpreter would complain when it exits and cannot write the rest."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
