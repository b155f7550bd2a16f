"""Solorun starts work that must not run twice exactly once, shows it live, stops it for certain and never loses it."""

from typing import TYPE_CHECKING, Any

from solorun.record import Level, Record
from solorun.run import Run
from solorun.step import StepContext

if TYPE_CHECKING:
    from solorun.client import RunClient

__all__ = ["Level", "Record", "Run", "RunClient", "StepContext"]


def __getattr__(name: str) -> Any:
    # httpx takes longer to import than the whole service does: only those who use the client pay for it.
    if name == "RunClient":
        from solorun.client import RunClient

        return RunClient
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
