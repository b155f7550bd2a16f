"""Turns the service's errors into tool errors that say what an agent, or its user, can do."""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from mcp.server.mcpserver.exceptions import ToolError

from solorun.errors import InvalidRequest, ResourceBusy, RunActive, SolorunError, Unauthorized

P = ParamSpec("P")
R = TypeVar("R")


def reporting_failures(tool: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
    """Wrap a tool so that the errors of the service become its own."""

    @wraps(tool)
    async def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return await tool(*args, **kwargs)
        except SolorunError as error:
            raise ToolError(_describe(error)) from None

    return run


def _describe(error: SolorunError) -> str:
    match error:
        case Unauthorized():
            return f"{error.message} Set SOLORUN_TOKEN or --token-file where this MCP server is configured."
        case RunActive(active_run=run):
            return (
                f"{error.message} Run {run.id} is {run.status}. Follow it, cancel it, or start with on_conflict: "
                "queue waits for its end, and join returns it if it does the same work."
            )
        case ResourceBusy():
            return f"{error.message} Start with on_conflict = queue to wait for it."
        case InvalidRequest(errors=faults) if faults:
            return "\n".join(f"{fault.pointer}: {fault.message}" for fault in faults)
        case _:
            return error.message
