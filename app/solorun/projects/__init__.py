"""Reads and validates solorun.toml: the Catalog of projects, and the settings of the service.

`loader` reads the file and walks its tables: `service_table`, `project_tables` with `project_defaults`, `step_tables`,
`parameter_tables`, `retry_tables`, `resource_tables`, `schedule_tables`, `hook_tables` and `notify_tables`. They share
`readers` of plain values and collect faults (`validation`). `coroutines` imports functions, `configuration` is the
result, and `lint` warns about likely mistakes in it. `catalog` keeps the last valid one, and `project_set` the one that
a program declares. `settings_sources` adds flags and environment variables, and `credentials` reads token and key.
"""

from solorun.projects.catalog import Catalog
from solorun.projects.configuration import Configuration, ConfiguredProjects, project_not_found
from solorun.projects.loader import TOP_KEYS, ConfigurationMalformed, read_service_table
from solorun.projects.project_set import ProjectSet
from solorun.projects.settings_sources import resolve_settings

__all__ = [
    "TOP_KEYS",
    "Catalog",
    "Configuration",
    "ConfigurationMalformed",
    "ConfiguredProjects",
    "ProjectSet",
    "project_not_found",
    "read_service_table",
    "resolve_settings",
]
