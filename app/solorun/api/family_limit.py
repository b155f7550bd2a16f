"""Limits how many projects of a pattern starts over HTTP can bring into being: each stays in every list for ever."""

from solorun.errors import TooManyProjects
from solorun.service import Service


class FamilyLimit:
    """Knows the projects that have runs, so that only the first start of a project reads the store."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._known: set[str] = set()

    async def check(self, project: str) -> None:
        """Raises TooManyProjects if this would be the first run of a project of a pattern that is full."""
        find_family = self._service.catalog.configuration.find_family
        family = find_family(project)
        if family is None or project in self._known:
            return
        self._known = set(await self._service.store.list_project_names())
        limit = self._service.settings.max_projects_per_pattern
        if project not in self._known and sum(find_family(name) is family for name in self._known) >= limit:
            raise TooManyProjects(f"{family.pattern} has {limit} projects, which is the limit.")
