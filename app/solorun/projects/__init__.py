"""Reads and validates solorun.toml: the Catalog of projects, and the settings of the service.

`loader` reads the file and walks its tables (`service_table`, `project_tables`, `step_tables`, `parameter_tables`, with
`readers` of plain values), `coroutines` imports functions, `configuration` is the result. `catalog` keeps the last
valid one, and `project_set` the one that a program declares. `settings_sources` adds flags and environment variables.
"""

from solorun.projects.catalog import Catalog
from solorun.projects.configuration import Configuration, ConfiguredProjects
from solorun.projects.loader import TOP_KEYS, read_service_table
from solorun.projects.project_set import ProjectSet
from solorun.projects.settings_sources import resolve_settings

__all__ = [
    "TOP_KEYS",
    "Catalog",
    "Configuration",
    "ConfiguredProjects",
    "ProjectSet",
    "read_service_table",
    "resolve_settings",
]
