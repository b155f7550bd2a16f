"""What a start does when its project is busy: today it is rejected, with the run that holds the project."""

from collections.abc import Callable
from datetime import datetime

from solorun.errors import RunActive
from solorun.execution import RunHandle, RunRegistry


class ConflictPolicy:
    """Answers from memory, without the database."""

    def __init__(self, registry: RunRegistry, now: Callable[[], datetime]) -> None:
        self._registry = registry
        self._now = now

    def is_busy(self, project: str) -> bool:
        return self._registry.find_by_project(project) is not None

    def resolve(self, project: str) -> None:
        """Return if the project is free as far as this process knows. Raises RunActive."""
        if (handle := self._registry.find_by_project(project)) is not None:
            raise self.reject(handle)

    def reject(self, handle: RunHandle) -> RunActive:
        """The refusal that names the run, with the time it is expected to take still."""
        retry_after = None
        if handle.estimated_seconds is not None and handle.run.started_at is not None:
            elapsed = (self._now() - handle.run.started_at).total_seconds()
            retry_after = max(1.0, handle.estimated_seconds - elapsed)
        return RunActive(handle.run, retry_after)
