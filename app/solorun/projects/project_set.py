"""The projects that a program declares in Python, and adds and removes while it runs."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from solorun.declaration import Project
from solorun.errors import FieldError, ProjectNotFound
from solorun.projects.configuration import Configuration, ConfiguredProjects
from solorun.projects.loader import check_tables, invalid
from solorun.projects.resource_tables import find_faults
from solorun.projects.validation import pointer_below

_SUBJECT: Final = "The configuration"


class ProjectSet(ConfiguredProjects):
    """The declared projects. Belongs to the event loop that runs the Solorun.

    A change is valid as a whole or has no effect. It does not touch runs that are active or queued: each keeps the
    declaration with which it was started.
    """

    def __init__(self, projects: Iterable[Project] = (), tables: Mapping[str, Any] | None = None) -> None:
        """`tables` are the other tables of solorun.toml, as plain data. Raises ConfigurationInvalid."""
        # No such file is read; relative paths start at its directory.
        self._path = Path.cwd() / "solorun.toml"
        self._tables = dict(tables or {})
        self._declared: dict[str, Project] = {}
        super().__init__(self._check({}))
        self.add(*projects)

    def __contains__(self, name: object) -> bool:
        return name in self._declared

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._declared))

    def __len__(self) -> int:
        return len(self._declared)

    def __repr__(self) -> str:
        return f"ProjectSet({list(self._declared)})"

    def add(self, *projects: Project) -> None:
        """Declare more projects. They can be started immediately.

        Raises ConfigurationInvalid with every error, for example if a project of this name is already declared.
        """
        repeated = [project.name for project in projects if project.name in self._declared]
        if repeated:
            message = "is already declared; remove that project first"
            raise invalid(_SUBJECT, [FieldError(pointer_below("projects", name), message) for name in repeated])
        declared = {project.name: project for project in projects}
        new, old = self._check(declared), self.configuration
        together = replace(new, projects={**old.projects, **new.projects}, families=(*old.families, *new.families))
        # The only rule that projects can break together: the new ones alone are valid.
        named = [*together.projects.items(), *((family.pattern, family.template) for family in together.families)]
        faults = list(find_faults(new.resources, ((name, one) for name, one in named if one.resources)))
        if faults:
            raise invalid(_SUBJECT, faults)
        self.configuration = together
        self._declared |= declared

    def remove(self, *names: str) -> None:
        """Refuse new starts of these projects, or of the projects of a family.

        Active and queued runs go on to their end. After a restart, a run that is still queued fails, because its
        project does not exist. All runs stay readable. Raises ProjectNotFound if a name is not declared.
        """
        for name in names:
            if name not in self._declared:
                raise ProjectNotFound(f'No project "{name}" is declared.')
        self._declared = {name: project for name, project in self._declared.items() if name not in names}
        configuration = self.configuration
        self.configuration = replace(
            configuration,
            projects={name: one for name, one in configuration.projects.items() if name not in names},
            families=tuple(family for family in configuration.families if family.pattern not in names),
        )

    def _check(self, declared: Mapping[str, Project]) -> Configuration:
        tables = {**self._tables, "projects": {name: project.table for name, project in declared.items()}}
        return check_tables(_SUBJECT, self._path, tables, needs_projects=False)
