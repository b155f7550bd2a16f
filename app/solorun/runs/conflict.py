"""What a start does when its project is busy: today it is rejected, with the run that holds the project."""

from typing import Final

from solorun.errors import RunActive
from solorun.execution import RunHandle, RunRegistry

MAX_RETRY_AFTER_SECONDS: Final = 3600.0


class ConflictPolicy:
    """Answers from memory, without the database."""

    def __init__(self, registry: RunRegistry) -> None:
        self._registry = registry

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
            elapsed = (handle.clock.now() - handle.run.started_at).total_seconds()
            retry_after = min(max(1.0, handle.estimated_seconds - elapsed), MAX_RETRY_AFTER_SECONDS)
        return RunActive(handle.run, retry_after)
