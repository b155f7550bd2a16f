"""A command's conversation with the service: where it is, the token, and which run is meant."""

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


def with_client(url: str, token_file: Path | None, work: "Callable[[RunClient], Awaitable[T]]") -> T:
    """What `work` answers, given a client of the service. Ctrl-C cancels it, then raises KeyboardInterrupt."""
    # httpx imports a command line of its own, with click, rich and pygments: a third of the time of a short command.
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type] # None: as if it were not installed
    from solorun.client import RunClient

    async def converse() -> T:
        async with RunClient(url, _read_token(token_file)) as client:
            return await work(client)

    return asyncio.run(converse())


async def find_named_run(client: "RunClient", name: str) -> Run:
    """The run with this id, or the current run of the project with this name. Raises RunNotFound, ProjectNotFound."""
    if not (name.isascii() and name.isdigit()):
        return await client.get_current_run(name)
    if int(name) > MAX_RUN_ID:
        raise RunNotFound(f"There is no run {name}.")
    return await client.get_run(int(name))


def _read_token(token_file: Path | None) -> str | None:
    """In the order of the service, so that both mean the same token where they share an environment."""
    if token_file is None:
        if token := os.environ.get("SOLORUN_TOKEN"):
            return token
        if not (named := os.environ.get("SOLORUN_TOKEN_FILE")):
            return None
        token_file = Path(named)
    return token_file.read_text(encoding="utf-8").strip()
