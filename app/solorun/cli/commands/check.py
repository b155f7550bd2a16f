"""`solorun check`: report every error in solorun.toml, and likely mistakes."""

from solorun.cli.configuration import read_configuration
from solorun.cli.options import DEFAULT_CONFIG, ConfigOption
from solorun.cli.render.messages import print_note
from solorun.cli.render.terminal import write


def check(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Check solorun.toml and the settings, and report all errors together. Warnings do not fail the check.

    This imports the modules of coroutine steps, which executes their code.
    """
    catalog, _ = read_configuration(config, {})
    configuration = catalog.configuration
    write(f"{config} is valid.\n")
    for name, project in configuration.projects.items():
        write(f"  project {name}: {' → '.join(step.name for step in project.steps)}\n")
    for family in configuration.families:
        write(f"  family {family.pattern}: {' → '.join(step.name for step in family.template.steps)}\n")
    for warning in catalog.lint():
        print_note(f"warning: {warning}")
