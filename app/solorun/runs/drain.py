"""Ends the work of a process that is about to stop."""

import math
from dataclasses import dataclass
from typing import Final

import anyio

from solorun.outcome import StopReason
from solorun.runs.dispatcher import Dispatcher

_MARGIN_SECONDS: Final = 2.0
"""The part of the limit that is reserved for killing processes and recording final states."""


@dataclass(kw_only=True, eq=False)
class Drain:
    """Admits nothing more, and interrupts the active runs."""

    dispatcher: Dispatcher

    def __post_init__(self) -> None:
        self.registry = self.dispatcher.registry
        self._deadline = math.inf

    async def interrupt(self, limit_seconds: float) -> None:
        """Interrupt the active runs, and wait until their ends are recorded, within the limit.

        Safe to call twice: the earlier deadline holds, and a shorter limit shortens the graces.
        """
        self.dispatcher.admission.draining = True
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
            await self.dispatcher.reaper.wait_until_done()

    async def _wait_until_ended(self) -> None:
        for handle in self.registry:
            await handle.ended.wait()
