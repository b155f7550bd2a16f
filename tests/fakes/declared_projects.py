"""Projects without a file that declares them."""

from collections.abc import Mapping

from solorun.errors import ProjectNotFound
from solorun.project import Project
from solorun.schedule import Schedule


class DeclaredProjects:
    """Projects by name, in place of a catalog."""

    faults: tuple[str, ...] = ()

    def __init__(self, *projects: Project, resources: Mapping[str, int] | None = None) -> None:
        self.resources: Mapping[str, int] = resources or {}
        self.projects = {project.name: project for project in projects}

    @property
    def schedules(self) -> tuple[Schedule, ...]:
        return tuple(schedule for project in self.projects.values() for schedule in project.schedules)

    def find_project(self, name: str) -> Project | None:
        return self.projects.get(name)

    def get_project(self, name: str) -> Project:
        if name not in self.projects:
            raise ProjectNotFound(f"There is no project {name}.")
        return self.projects[name]

    async def refresh(self) -> None: ...
