"""Solorun runs jobs that must never overlap: start them exactly once, watch them live, cancel them for certain."""

from typing import TYPE_CHECKING, Any

from solorun.record import Level, Record
from solorun.run import Run
from solorun.step import CommandFailed, StepContext

if TYPE_CHECKING:
    from solorun.client import RunClient

__all__ = ["CommandFailed", "Level", "Record", "Run", "RunClient", "StepContext"]


def __getattr__(name: str) -> Any:
    # httpx takes longer to import than the whole service. Only code that uses the client pays for it.
    if name == "RunClient":
        from solorun.client import RunClient

        return RunClient
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
