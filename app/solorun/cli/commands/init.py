"""`solorun init`: an example solorun.toml to begin with."""

from pathlib import Path
from typing import Annotated

import typer

from solorun.cli.errors import print_error
from solorun.cli.exit_codes import ExitCode
from solorun.cli.options import DEFAULT_CONFIG, ConfigOption
from solorun.cli.render.terminal import write


def init(
    config: ConfigOption = DEFAULT_CONFIG,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file if it is there.")] = False,
) -> None:
    """Write an example solorun.toml: a project that works at once, and the keys you need next."""
    from solorun.projects import write_example

    if force:
        config.unlink(missing_ok=True)
    try:
        write_example(config)
    except FileExistsError:
        print_error(f"{config} is there already; --force overwrites it.")
        raise typer.Exit(ExitCode.USAGE) from None
    write(f"Wrote {config}.\n{next_steps(config)}")


def next_steps(config: Path) -> str:
    option = "" if config == DEFAULT_CONFIG else f" --config {config}"
    return f"  solorun serve{option}\n  solorun start hello --follow\n"
