"""Measures what ended runs occupy: their stored logs, and their artifacts."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Final

from solorun.artifacts.store import ArtifactStore
from solorun.retention import EndedRun, RetentionStore

_PAGE_RUNS: Final = 200
_SETTLED: Final = timedelta(hours=1)
"""By then, the segments of an ended run have been joined, which changes the size of its log."""


class RunSizes:
    """Remembers the sizes of runs that ended a while ago."""

    def __init__(self, store: RetentionStore, artifacts: ArtifactStore, now: Callable[[], datetime]) -> None:
        self._store = store
        self._artifacts = artifacts
        self._now = now
        self._known: dict[int, int] = {}

    async def measure(self, runs: Sequence[EndedRun]) -> dict[int, int]:
        """The bytes that each run occupies. Reads in short transactions. Raises StoreUnavailable."""
        sizes = {run.id: self._known[run.id] for run in runs if run.id in self._known}
        unknown = [run for run in runs if run.id not in sizes]
        for start in range(0, len(unknown), _PAGE_RUNS):
            page = unknown[start : start + _PAGE_RUNS]
            ids = [run.id for run in page]
            logs = await self._store.measure_logs(ids)
            files = await self._artifacts.measure(ids)
            for run in page:
                sizes[run.id] = logs[run.id] + files.get(run.id, 0)
                if self._now() - run.finished_at > _SETTLED:
                    self._known[run.id] = sizes[run.id]
        return sizes

    def forget(self, run_ids: Collection[int]) -> None:
        for run_id in run_ids:
            self._known.pop(run_id, None)
