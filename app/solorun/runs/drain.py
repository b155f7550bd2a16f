"""Ends the work of a process that is about to stop."""

import math
from dataclasses import dataclass
from typing import Final

import anyio

from solorun.execution import RunRegistry
from solorun.outcome import StopReason
from solorun.runs.admission import Admission
from solorun.runs.reaper import Reaper

_MARGIN_SECONDS: Final = 2.0
"""The part of the limit that is reserved for killing processes and recording final states."""


@dataclass(kw_only=True, eq=False)
class Drain:
    """Admits nothing more, and interrupts the active runs."""

    admission: Admission
    registry: RunRegistry
    reaper: Reaper

    def __post_init__(self) -> None:
        self._deadline = math.inf

    async def interrupt(self, limit_seconds: float) -> None:
        """Interrupt the active runs, and wait until their ends are recorded, within the limit.

        Safe to call twice: the earlier deadline holds, and a shorter limit shortens the graces.
        """
        self.admission.close()
        now = anyio.current_time()
        limit_seconds = min(limit_seconds, max(0.0, self._deadline - now))
        self._deadline = now + limit_seconds
        for handle in self.registry:
            handle.cancel_scope.limit_grace(max(0.0, limit_seconds - _MARGIN_SECONDS))
            handle.cancel_scope.cancel(StopReason.SHUTDOWN)
        with anyio.move_on_after(limit_seconds):
            await self._wait_until_ended()
            await self.registry.wait_for_starts()
            await self._wait_until_ended()
            # A row without a task would otherwise stay active until the next start of the service.
            await self.reaper.wait_until_done()

    async def _wait_until_ended(self) -> None:
        for handle in self.registry:
            await handle.ended.wait()
