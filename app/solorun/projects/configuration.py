"""The contents of solorun.toml as one frozen value: the [service] table, the projects and the project families."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from solorun.errors import FieldError, ProjectNotFound
from solorun.notification import NotifyTarget
from solorun.project import NAME_PATTERN, Family, Project, Projects
from solorun.projects.validation import format_value, suggest
from solorun.schedule import Schedule

_NAME_RULE: Final = 'a name has at most 63 characters: lower-case letters, digits, "_" and "-"'


@dataclass(frozen=True, slots=True)
class Configuration:
    """A valid configuration.

    `service` has the values of the [service] table as written, already validated (see `settings_sources`). `projects`
    are in the file's order.
    """

    path: Path
    service: Mapping[str, object]
    projects: Mapping[str, Project]
    families: tuple[Family, ...]
    resources: Mapping[str, int] = field(default_factory=dict)
    """The number of slots of each."""
    targets: Mapping[str, NotifyTarget] = field(default_factory=dict)
    """The targets of notifications."""
    locate: Callable[[list[FieldError]], list[FieldError]] = field(default=list, compare=False)
    """Finds where in the file the values of projects are that warnings refer to."""

    @property
    def schedules(self) -> tuple[Schedule, ...]:
        """Those of all projects, in the order of the file."""
        return tuple(schedule for project in self.projects.values() for schedule in project.schedules)

    @property
    def has_secret_params(self) -> bool:
        """Whether the runs of a project may have secret parameters."""
        declared = (*self.projects.values(), *(family.template for family in self.families))
        return any(parameter.secret for project in declared for parameter in project.params)

    def get_project(self, name: str) -> Project:
        """Raises ProjectNotFound."""
        project = self.find_project(name)
        if project is None:
            raise project_not_found(name, self.projects)
        return project

    def find_project(self, name: str) -> Project | None:
        """The project declared by this name, or else a copy of its family's template. None if there is neither."""
        if name in self.projects:
            return self.projects[name]
        family = self.find_family(name)
        if family is None:
            return None
        template = family.template
        title = name if template.title == template.name else template.title
        return replace(template, name=name, title=title)

    def find_family(self, name: str) -> Family | None:
        """The family with the longest matching pattern (of equally long ones, the first).

        None if no pattern matches, or if the project is declared by its own name.
        """
        if name in self.projects:
            return None
        matching = (family for family in self.families if family.matches(name))
        return max(matching, key=lambda family: len(family.pattern), default=None)


def project_not_found(name: str, known: Iterable[str], *, max_listed: int = 0) -> ProjectNotFound:
    """The error about an unknown name, which may be one of these or match one of these patterns. It says what is wrong
    with the name, or suggests a similar one, or else lists some.
    """
    names = list(known)
    hint = _NAME_RULE if _has_wrong_characters(name, names) else suggest(name, names)
    if not hint and names and max_listed:
        more = f" and {len(names) - max_listed} more" if len(names) > max_listed else ""
        hint = f"the service has: {', '.join(names[:max_listed])}{more}"
    message = f"There is no project {format_value(name)}{f'; {hint}' if hint else '.'}"
    error = ProjectNotFound(message)
    error.project = name
    return error


def _has_wrong_characters(name: str, patterns: Iterable[str]) -> bool:
    """Whether only its characters, or their number, keep this name from matching a pattern."""
    return NAME_PATTERN.fullmatch(name) is None and any(fnmatchcase(name, pattern) for pattern in patterns)


class ConfiguredProjects(Projects):
    """The projects of a configuration that may be replaced. `errors` are those of the latest attempt to replace it."""

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration
        self.errors: tuple[FieldError, ...] = ()

    @property
    def faults(self) -> tuple[str, ...]:
        return tuple(map(str, self.errors)) if self.errors else ()

    @property
    def resources(self) -> Mapping[str, int]:
        return self.configuration.resources

    @property
    def schedules(self) -> Sequence[Schedule]:
        return self.configuration.schedules

    def find_project(self, name: str) -> Project | None:
        return self.configuration.find_project(name)

    def get_project(self, name: str) -> Project:
        return self.configuration.get_project(name)

    async def refresh(self) -> None:
        """Nothing to read, unless a subclass knows a file."""
