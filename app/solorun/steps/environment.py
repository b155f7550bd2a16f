"""Builds a command's environment: the service's without its settings, then the project's, then Solorun's."""

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
    """Build the environment of a command, without the token and the other settings of the service.

    RUN_ID and ARTIFACTS (a path in the data directory) also identify orphaned processes: see `orphans.py`.
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
