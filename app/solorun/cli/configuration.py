"""Reads solorun.toml for a command: its projects, and the settings from flags, variables and the file."""

import os
from collections.abc import Mapping
from dataclasses import astuple
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from solorun.errors import ConfigurationInvalid, FieldError
from solorun.settings import Settings

if TYPE_CHECKING:
    from solorun.projects import Catalog


def read_configuration(
    config: Path, flags: dict[str, Any], environ: Mapping[str, str] = os.environ, *, listens: bool = True
) -> "tuple[Catalog, Settings]":
    """Read the catalog and the settings. A process that does not listen needs no token.

    Raises ConfigurationInvalid with the errors of both.
    """
    from solorun.projects import Catalog, ConfigurationMalformed, read_service_table, resolve_settings

    if not config.exists():
        message = f"There is no {config}. Create one with `solorun init`, or use --config to name another file."
        raise ConfigurationInvalid([FieldError("", message)])
    base_dir = config.absolute().parent
    resolve = partial(resolve_settings, environ=environ, flags=flags, base_dir=base_dir, identifies_callers=not listens)
    try:
        catalog = Catalog.open(config)
    except ConfigurationInvalid as invalid:
        errors = invalid.errors
        if isinstance(invalid, ConfigurationMalformed):
            errors = tuple(FieldError(f"{config}{at and ', '}{at}", message) for at, message in map(astuple, errors))
        try:
            # The settings do not depend on the projects, so their errors are reported together.
            resolve(read_service_table(config))
        except ConfigurationInvalid as more:
            errors = (*(error for error in more.errors if error not in errors), *errors)
        raise ConfigurationInvalid(errors) from None
    return catalog, resolve(catalog.configuration.service)


def find_database_settings(config: Path, data_dir: Path | None) -> tuple[Settings, list[str]]:
    """Find the database, even if the configuration is invalid, and return the errors in the configuration.

    No token is required, because only the service listens.
    """
    from solorun.projects import resolve_settings

    try:
        if data_dir is not None and not config.exists():
            return resolve_settings({}, os.environ, {"data_dir": data_dir}, base_dir=Path.cwd()), []
        _, settings = read_configuration(config, {"data_dir": data_dir}, listens=False)
    except ConfigurationInvalid as invalid:
        if data_dir is None:
            # Do not fall back to the default directory: the invalid file may name another one.
            raise
        return Settings(data_dir.absolute()), [str(error) for error in invalid.errors]
    return settings, []
