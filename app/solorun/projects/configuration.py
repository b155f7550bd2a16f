"""What solorun.toml says, as one frozen value: the [service] table, the projects and the families of projects."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from solorun.errors import ProjectNotFound
from solorun.project import Family, Project
from solorun.projects.validation import describe, suggest


@dataclass(frozen=True, slots=True)
class Configuration:
    """One good reading of the file.

    `service` holds the checked but raw values of the [service] table (see `resolution`); `projects` stand in the
    file's order.
    """

    path: Path
    service: Mapping[str, object]
    projects: Mapping[str, Project]
    families: tuple[Family, ...]

    def get_project(self, name: str) -> Project:
        """The project of this name: the one declared so, else the family's, under its own name.

        Raises ProjectNotFound.
        """
        if name in self.projects:
            return self.projects[name]
        family = self.find_family(name)
        if family is None:
            hint = suggest(name, self.projects)
            raise ProjectNotFound(f"There is no project {describe(name)}{f'; {hint}' if hint else '.'}")
        template = family.template
        title = name if template.title == template.name else template.title
        return replace(template, name=name, title=title)

    def find_family(self, name: str) -> Family | None:
        """The family that declares `name`: of all that match, the longest pattern (of equals, the first).

        None when no pattern matches, or the project is declared by its own name.
        """
        if name in self.projects:
            return None
        matching = (family for family in self.families if family.matches(name))
        return max(matching, key=lambda family: len(family.pattern), default=None)
