"""The commands in `solorun --help`, under headings on every output. Typer itself shows these on a terminal only."""

from itertools import groupby
from typing import Any

from typer.core import TyperGroup


class CommandGroup(TyperGroup):
    """Commands in the order of their registration, under their `rich_help_panel`."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        column = max(map(len, self.commands))
        limit = formatter.width - column - 6  # two margins and the space between the columns, as in Typer's own list
        for heading, commands in groupby(self.commands.items(), _get_heading):
            with formatter.section(heading):
                formatter.write_dl([(name.ljust(column), each.get_short_help_str(limit)) for name, each in commands])


def _get_heading(item: tuple[str, Any]) -> str:
    return str(item[1].rich_help_panel)
