"""Connects a command to the service: the URL, the token and the run that it names."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from solorun.errors import RunNotFound
from solorun.run import MAX_RUN_ID, Run

if TYPE_CHECKING:
    from solorun.client import RunClient

T = TypeVar("T")

_MAX_TOKEN_FILE_BYTES = 4096
"""More than the longest token and the white space around it, so that a wrong file is not read whole."""


def with_client(url: str, token_file: Path | None, work: "Callable[[RunClient], Awaitable[T]]") -> T:
    """Call `work` with a client and return its result. Ctrl-C cancels it, then raises KeyboardInterrupt."""
    # httpx imports its command line, with click, rich and pygments, which takes a third of the time of a short command.
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type] # None hides the module
    from solorun.client import RunClient

    async def run() -> T:
        async with RunClient(url, _read_token(token_file)) as client:
            return await work(client)

    return asyncio.run(run())


async def find_named_run(client: "RunClient", name: str) -> Run:
    """Get a run by id, or the current run of a project by name. Raises RunNotFound or ProjectNotFound."""
    if not (name.isascii() and name.isdigit()):
        return await client.get_current_run(name)
    # Python refuses to convert thousands of digits.
    if len(name) > len(str(MAX_RUN_ID)) or int(name) > MAX_RUN_ID:
        raise RunNotFound("There is no run with so large an id.")
    return await client.get_run(int(name))


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
