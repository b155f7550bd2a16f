"""Declares the resources of solorun.toml in the store. What a service declares last applies to all that share it."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from solorun.component import failures_logged
from solorun.execution import RunRegistry
from solorun.project import Projects
from solorun.store import Store

WATCH_SECONDS: Final = 30.0

_logger = logging.getLogger("solorun.runs")


@dataclass(kw_only=True, eq=False)
class ResourceDeclarations:
    """The declaration of this service. Others may have replaced it, if their solorun.toml is another one."""

    store: Store
    projects: Projects
    registry: RunRegistry

    def __post_init__(self) -> None:
        self.declared: Mapping[str, int] | None = None
        """What this service has declared last."""
        self._reported: Mapping[str, int] | None = None

    async def declare(self) -> None:
        """Write the resources to the store if their declaration has changed. Raises StoreUnavailable."""
        if self.declared == self.projects.resources:
            return
        declared = dict(self.projects.resources)
        replaced = await self.store.list_resources()
        await self.store.declare_resources(declared)
        self.declared = declared
        if replaced and replaced != declared:
            _logger.info("The resources are now those of this service's solorun.toml: %s", _compare(declared, replaced))
        self.registry.notify_released()

    async def watch(self) -> None:
        """Warn about what other services declare, for as long as this runs."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            with failures_logged(_logger, "The resources cannot be read; retrying", logging.DEBUG):
                await self.compare()

    async def compare(self) -> None:
        """Declare what has changed here, and warn if another service has declared other resources since.

        Raises StoreUnavailable.
        """
        await self.projects.refresh()  # The file may have changed everywhere, and only the other one has read it.
        await self.declare()
        declared, found = self.projects.resources, await self.store.list_resources()
        if found == declared:
            self._reported = None
        elif found != self._reported:
            self._reported = found
            _logger.warning(
                "Another service has declared other resources, which apply to all: %s. Use the same solorun.toml on "
                "every host, and restart the service whose declaration is to apply.",
                _compare(found, declared),
            )


def _compare(found: Mapping[str, int], other: Mapping[str, int]) -> str:
    """`gpu has 2 slots instead of 1, disk has none instead of 3`."""
    differing = [name for name in {**found, **other} if found.get(name) != other.get(name)]
    return ", ".join(
        f"{name} has {found.get(name, 'none')}{' slots' if name in found else ''} instead of {other.get(name, 'none')}"
        for name in differing
    )
