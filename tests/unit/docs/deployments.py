"""What deployment files may contain: our commands with their options, and our settings."""

from collections.abc import Sequence
from typing import Any

import typer.main

from solorun.cli.app import _app
from solorun.projects.service_table import SERVICE_READERS

VARIABLES = {f"SOLORUN_{key.upper()}" for key in SERVICE_READERS} | {
    "SOLORUN_CONFIG",
    "SOLORUN_SECRET_KEY",
    "SOLORUN_TOKEN",
}


def parse_command(arguments: Sequence[str]) -> dict[str, Any]:
    """The options of a command line of ours. Raises if there is no such command or option."""
    name, *options = arguments
    commands: Any = typer.main.get_command(_app)
    parsed: dict[str, Any] = commands.commands[name].make_context(name, list(options)).params
    return parsed
