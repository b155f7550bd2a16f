"""What a command finds in its environment: the service's without its own settings, then the project's, then ours."""

import re
from collections.abc import Mapping
from typing import Final

from solorun.project import Project
from solorun.step import StepContext

PREFIX: Final = "SOLORUN_"
RUN_ID: Final = "SOLORUN_RUN_ID"
ARTIFACTS: Final = "SOLORUN_ARTIFACTS"

_NOT_IN_A_NAME = re.compile(r"[^A-Z0-9]", re.ASCII)


def command_environment(environ: Mapping[str, str], project: Project, context: StepContext) -> dict[str, str]:
    """The environment of a command. The token and every other setting of the service stay out of it.

    RUN_ID and ARTIFACTS (which lies in the data directory) also say to whom a process belongs: see `leftovers.py`.
    """
    inherited = {name: value for name, value in environ.items() if not name.startswith(PREFIX)}
    return (
        {"PYTHONUNBUFFERED": "1"}
        | inherited
        | dict(project.env)
        | {
            "SOLORUN_PROJECT": context.project,
            RUN_ID: str(context.run_id),
            "SOLORUN_SCOPE": context.scope,
            "SOLORUN_STEP": context.name,
            "SOLORUN_WORKSPACE": str(context.workspace),
            ARTIFACTS: str(context.artifacts),
        }
        | {f"SOLORUN_PARAM_{_NOT_IN_A_NAME.sub('_', name.upper())}": value for name, value in context.params.items()}
    )
