"""Reads and checks solorun.toml: the Catalog of projects, and the settings of the service.

The path of a reading: `document` (bytes, TOML) → `service_table`, `project_tables`, `step_tables` (walked by `checker`)
→ `coroutines` (imports) → `configuration`; `catalog` keeps the last good one, `resolution` adds flags and environment.
"""

from solorun.projects.catalog import Catalog
from solorun.projects.configuration import Configuration
from solorun.projects.example import EXAMPLE, write_example
from solorun.projects.loader import read_service_table
from solorun.projects.settings_sources import resolve_settings

__all__ = ["EXAMPLE", "Catalog", "Configuration", "read_service_table", "resolve_settings", "write_example"]
