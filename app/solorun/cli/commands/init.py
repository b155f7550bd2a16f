"""`solorun init`: write an example solorun.toml, and the schema that editors read."""

from importlib.resources import files
from typing import Annotated, Final

import typer

from solorun.cli.commands.schema import SCHEMA
from solorun.cli.exit_codes import ExitCode
from solorun.cli.options import DEFAULT_CONFIG, ConfigOption
from solorun.cli.render.messages import print_error
from solorun.cli.render.terminal import write

EXAMPLE: Final = files("solorun.projects") / "example.toml"


def init(
    config: ConfigOption = DEFAULT_CONFIG,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
) -> None:
    """Write an example solorun.toml: a working project, and the keys you need next.

    Its first line names the JSON Schema for editors, which is written next to it.
    """
    if force:
        config.unlink(missing_ok=True)
    try:
        with config.open("xb") as file:
            file.write(EXAMPLE.read_bytes())
    except FileExistsError:
        print_error(f"{config} already exists. Use --force to overwrite it.")
        raise typer.Exit(ExitCode.USAGE) from None
    config.with_name(SCHEMA.name).write_bytes(SCHEMA.read_bytes())
    option = "" if config == DEFAULT_CONFIG else f" --config {config}"
    write(f"Wrote {config}. Next:\n  solorun serve{option}\n  solorun start hello --follow\n")
