"""Reading solorun.toml for a command: the projects, and the settings that flags, variables and the file amount to."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from solorun.errors import ConfigurationInvalid, FieldError
from solorun.settings import Settings

if TYPE_CHECKING:
    from solorun.projects import Catalog


def read_configuration(config: Path, flags: dict[str, Any]) -> "tuple[Catalog, Settings]":
    """The catalog and the settings. Raises ConfigurationInvalid with the faults of both."""
    from solorun.projects import Catalog, read_service_table, resolve_settings

    if not config.exists():
        raise ConfigurationInvalid([FieldError("", missing_file(config))])
    base_dir = config.absolute().parent
    try:
        catalog = Catalog.open(config)
    except ConfigurationInvalid as invalid:
        faults = invalid.errors
        try:
            # The settings do not depend on the projects: their faults are told together.
            resolve_settings(read_service_table(config), os.environ, flags, base_dir=base_dir)
        except ConfigurationInvalid as more:
            faults = (*(fault for fault in more.errors if fault not in faults), *faults)
        raise ConfigurationInvalid(faults) from None
    settings = resolve_settings(catalog.configuration.service, os.environ, flags, base_dir=base_dir)
    return catalog, settings


def missing_file(config: Path) -> str:
    """What to do when there is no file."""
    return f"There is no {config}. `solorun init` writes an example to begin with; --config names another file."
