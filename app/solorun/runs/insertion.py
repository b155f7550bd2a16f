"""Inserts the row of an admitted start. The unique index decides whether the project is free."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from solorun.errors import RunActive
from solorun.execution import AdmittedStart, RunRegistry
from solorun.logs import Masker
from solorun.run import Run
from solorun.runs.conflict import ConflictPolicy
from solorun.runs.reaper import Reaper
from solorun.store import NewRun, RunStore

_UNCONFIRMED: Final = "its start was not confirmed by the database"


class Insertion:
    """Inserts pending runs. Call it with the start lock held."""

    def __init__(
        self,
        *,
        store: RunStore,
        registry: RunRegistry,
        conflicts: ConflictPolicy,
        reaper: Reaper,
        owner: str,
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._registry = registry
        self._conflicts = conflicts
        self._reaper = reaper
        self._owner = owner
        self._now = now

    async def insert(self, start: AdmittedStart, masker: Masker) -> Run:
        """The pending run, its row committed. Raises RunActive, StoreUnavailable."""
        new = NewRun(
            project=start.project.name,
            scope=start.scope,
            triggered_by=masker.mask(start.triggered_by),
            params={name: masker.mask(value) for name, value in start.params.items()},
            created_at=self._now(),
            steps=tuple(step.name for step in start.steps),
        )
        finalized: int | None = None
        while True:
            try:
                return await self._store.insert_run(new, owner=self._owner)
            except RunActive as refusal:
                blocking = refusal.active_run
                if blocking.id == finalized:
                    raise  # It belongs to another owner: we can neither execute nor end it.
                if (handle := self._registry.find(blocking.id)) is not None:
                    if handle.run.holds_project:
                        raise self._conflicts.reject(handle) from None
                    await handle.ended.wait()  # its end is committed: the project is free in a moment
                    continue
                # A row of ours without a task: an insert that was committed although it raised.
                finalized = blocking.id
                await self._reaper.finalize(blocking, _UNCONFIRMED)
            except Exception:
                # Whether the row was committed is unknown.
                self._reaper.finalize_project_later(new.project, _UNCONFIRMED)
                raise
