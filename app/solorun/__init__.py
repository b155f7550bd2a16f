"""Solorun runs jobs that must never overlap: start them exactly once, watch them live, cancel them for certain."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from solorun.record import Level, Record
from solorun.run import Run
from solorun.step import CommandFailed, StepContext

if TYPE_CHECKING:
    from solorun.client import RunClient
    from solorun.declaration import Command, Coroutine, Function, Project
    from solorun.embedded import Solorun
    from solorun.function_context import FunctionContext, StepCancelled
    from solorun.right import Right

__all__ = [
    "Command",
    "CommandFailed",
    "Coroutine",
    "Function",
    "FunctionContext",
    "Level",
    "Project",
    "Record",
    "Right",
    "Run",
    "RunClient",
    "Solorun",
    "StepCancelled",
    "StepContext",
]

# The service and httpx take a second to import. Only code that uses them pays for it.
_MODULES = {
    "Right": "right",
    "RunClient": "client",
    **dict.fromkeys(("Command", "Coroutine", "Function", "Project"), "declaration"),
    "Solorun": "embedded",
    **dict.fromkeys(("FunctionContext", "StepCancelled"), "function_context"),
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(f"solorun.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
