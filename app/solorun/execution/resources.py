"""Takes the resources of a step before it begins, and gives them back after its end."""

import asyncio
from dataclasses import dataclass
from typing import Final

from solorun.errors import StoreUnavailable
from solorun.execution.handle import RunHandle, RunRegistry
from solorun.logs import StepChange
from solorun.project import StepDeclaration
from solorun.status import StepStatus
from solorun.store import RunStore

MAX_WAIT_SECONDS: Final = 30.0
"""How long a step waits before it looks again by itself."""
_RETRY_SECONDS: Final = 0.5


@dataclass(kw_only=True, eq=False)
class StepResources:
    """Resources of steps. The store decides who gets them; those of a run are released with its end."""

    store: RunStore
    registry: RunRegistry
    owner: str

    async def take(self, run: RunHandle, step: StepDeclaration) -> bool:
        """Wait until the step holds all that it requires. False if the run had to stop meanwhile."""
        run.step_slots = {}
        if not step.resources:
            return True
        is_waiting = False
        with self.registry.watch_releases() as released:
            while True:
                released.clear()
                try:
                    slots = await self.store.take_step_slots(run.id, step.name, owner=self.owner)
                except StoreUnavailable:
                    asyncio.get_running_loop().call_later(_RETRY_SECONDS, released.set)
                    slots = None
                else:
                    if slots is None and not is_waiting:
                        is_waiting = True
                        change = StepChange(name=step.name, status=StepStatus.WAITING)
                        run.channel.change_step(change, f"{step.name} waits for {', '.join(sorted(step.resources))}")
                if slots is not None:
                    run.step_slots = slots
                    return True
                if not await run.cancel_scope.wait_for(released, MAX_WAIT_SECONDS, deadline=run.deadline):
                    return False

    async def release(self, run: RunHandle, step: StepDeclaration) -> None:
        """Release what the step holds. If the database does not respond, the end of the run releases it."""
        if step.resources:
            try:
                await self.store.release_step_slots(run.id, step.name)
            except StoreUnavailable:
                return
            self.registry.notify_released()
