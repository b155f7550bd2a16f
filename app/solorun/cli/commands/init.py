"""`solorun init`, `check` and `schema`: write and check solorun.toml."""

from importlib.resources import files
from typing import Annotated, Final

import typer

from solorun.cli.configuration import read_configuration
from solorun.cli.exit_codes import ExitCode
from solorun.cli.options import DEFAULT_CONFIG, ConfigOption
from solorun.cli.render.messages import print_error, print_note
from solorun.cli.render.terminal import write

EXAMPLE: Final = files("solorun.projects") / "example.toml"
SCHEMA: Final = files("solorun.projects") / "solorun.schema.json"


def init(
    config: ConfigOption = DEFAULT_CONFIG,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
) -> None:
    """Write an example solorun.toml. It has a working project, and the keys you need next.

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
    schema = config.with_name(SCHEMA.name)
    schema.write_bytes(SCHEMA.read_bytes())
    option = "" if config == DEFAULT_CONFIG else f" --config {config}"
    write(f"Wrote {config} and {schema}. Next:\n  solorun serve{option}\n  solorun start hello --follow\n")


def check(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Check solorun.toml and the settings. All errors are reported together. Warnings do not fail the check.

    This imports the modules of coroutine steps, which executes their code.
    """
    catalog, _ = read_configuration(config, {})
    configuration = catalog.configuration
    write(f"{config} is valid.\n")
    for name, project in configuration.projects.items():
        write(f"  project {name}: {' → '.join(step.name for step in project.steps)}\n")
    for family in configuration.families:
        write(f"  pattern {family.pattern}: {' → '.join(step.name for step in family.template.steps)}\n")
    for schedule in configuration.schedules:
        disabled = "" if schedule.enabled else " (disabled)"
        write(f"  schedule {schedule.id}: {schedule.cron.expression}, {schedule.cron.timezone}{disabled}\n")
    for warning in catalog.lint():
        print_note(f"warning: {warning}")


def schema() -> None:
    """Print the JSON Schema of solorun.toml. Editors use it to check and complete the file."""
    write(SCHEMA.read_text("utf-8"))
