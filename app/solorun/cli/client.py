"""Connects a command to the service: the URL, the token and the run that it names."""

import asyncio
import os
import re
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from solorun.cli.interrupts import run_until_interrupted
from solorun.cli.render.messages import print_note
from solorun.errors import SolorunError
from solorun.settings import DEFAULT_PORT

if TYPE_CHECKING:
    from solorun.client import RunClient

    Client = RunClient
else:
    Client = object  # Commands name the type of their client without importing httpx.

DEFAULT_URL: Final = f"http://127.0.0.1:{DEFAULT_PORT}"
UrlOption = Annotated[str, typer.Option("--url", metavar="URL", envvar="SOLORUN_URL", help="URL of the service.")]
TokenFileOption = Annotated[
    Path | None,
    typer.Option(
        "--token-file",
        metavar="FILE",
        help="File with the service's token. Default: SOLORUN_TOKEN, then the file named by SOLORUN_TOKEN_FILE.",
    ),
]

_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}(-[0-9a-f]+)+")
_MAX_TOKEN_FILE_BYTES = 4096
"""More than the longest token and the white space around it, so that a wrong file is not read whole."""

_OPTIONS = (
    Parameter("url", Parameter.KEYWORD_ONLY, default=DEFAULT_URL, annotation=UrlOption),
    Parameter("token_file", Parameter.KEYWORD_ONLY, default=None, annotation=TokenFileOption),
)


def connected(command: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Make a command of a coroutine function whose parameter `client` stands for the options --url and --token-file.

    A parameter whose type is a dataclass stands for its fields. Ctrl-C cancels the command, then raises
    KeyboardInterrupt.
    """
    declared = signature(command).parameters.values()
    groups: dict[str, Any] = {each.name: each.annotation for each in declared if is_dataclass(each.annotation)}

    @wraps(command)
    def run(*, url: str, token_file: Path | None, **arguments: Any) -> None:
        async def work() -> None:
            async with open_client(url, token_file) as client:
                given = {**arguments, "client": client}
                for name, group in groups.items():
                    given[name] = group(**{field.name: given.pop(field.name) for field in fields(group)})
                await command(**given)

        run_until_interrupted(work())

    parameters: list[Parameter] = []
    for parameter in declared:
        is_group = parameter.name in groups
        for each in signature(parameter.annotation).parameters.values() if is_group else [parameter]:
            parameters += _OPTIONS if each.name == "client" else [each]
    run.__signature__ = Signature(parameters)  # type: ignore[attr-defined] # Typer reads it
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


def open_client(url: str, token_file: Path | None) -> Client:
    """A client for the values of the options --url and --token-file."""
    # httpx imports its command line with click, rich and pygments: a third of the time of a short command.
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type] # None hides the module
    from solorun.client import RunClient

    return RunClient(url, _read_token(token_file), traceparent=_read_traceparent())


def note_disconnect(cause: SolorunError) -> None:
    """Print that a connection was lost, and why."""
    print_note(f"{cause.message} Reconnecting…")


@contextmanager
def note_if_interrupted(note: str) -> Iterator[None]:
    """Print the note if Ctrl-C ends this block."""
    try:
        yield
    except asyncio.CancelledError:
        print_note(note)
        raise


def _read_traceparent() -> str | None:
    """The trace of the command that runs this one, which makes the runs part of it. None without a valid one."""
    traceparent = os.environ.get("TRACEPARENT", "")
    return traceparent if _TRACEPARENT.fullmatch(traceparent) else None


def _read_token(token_file: Path | None) -> str | None:
    """Read the token from the same places, in the same order, as the service does."""
    if token_file is None:
        if token := os.environ.get("SOLORUN_TOKEN", "").strip():
            return token
        if not (path := os.environ.get("SOLORUN_TOKEN_FILE")):
            return None
        token_file = Path(path)
    with token_file.open("rb") as file:
        return file.read(_MAX_TOKEN_FILE_BYTES).decode(errors="replace").strip()
