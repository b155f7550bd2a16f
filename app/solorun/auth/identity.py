"""Who the caller of a request is, as the host application says with its `identify`."""

import inspect
from collections.abc import Awaitable, Callable

from starlette.requests import Request as HostRequest
from starlette.types import Scope

from solorun.run import MAX_CALLER_CHARACTERS, is_caller

Identify = Callable[[HostRequest], str | Awaitable[str]]
"""The name of the caller, which is recorded for what the request starts, cancels or pauses.

The request is that of Starlette, without its body. An HTTPException is passed on to the host application.
"""


async def identify_caller(identify: Identify, scope: Scope) -> str:
    """Raises ValueError if the name cannot be recorded, and what `identify` raises."""
    answer = identify(HostRequest(scope))
    name = await answer if inspect.isawaitable(answer) else answer
    if not isinstance(name, str) or not is_caller(name):
        limits = f"1 to {MAX_CALLER_CHARACTERS} characters without control characters"
        raise ValueError(f"`identify` must return a name of {limits}, and returned {name!r}")
    return name
