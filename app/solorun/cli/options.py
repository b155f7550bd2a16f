"""Options and arguments that several commands share."""

import math
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from solorun.cli.completion import complete_projects, complete_runs, complete_schedules, one_of_values
from solorun.cli.param_types import one_of, whole_number

DEFAULT_CONFIG: Final = Path("solorun.toml")

JsonOption = Annotated[bool, typer.Option("--json", help="Print the JSON objects of the HTTP API.")]
RunArgument = Annotated[
    str,
    typer.Argument(
        metavar="RUN",
        help="Id of a run, or name of a project: its active run, or its latest.",
        autocompletion=complete_runs,
    ),
]
ProjectArgument = Annotated[
    str, typer.Argument(metavar="PROJECT", help="Name of the project.", autocompletion=complete_projects)
]
ScheduleArgument = Annotated[
    str, typer.Argument(metavar="SCHEDULE", help="Id of the schedule.", autocompletion=complete_schedules)
]
RawOption = Annotated[bool, typer.Option("--raw", help="Keep control characters in log messages.")]
TailOption = Annotated[
    int | None, typer.Option("--tail", "-n", metavar="N", parser=whole_number(0), help="Only the last N records.")
]
ConfigOption = Annotated[
    Path, typer.Option("--config", metavar="FILE", envvar="SOLORUN_CONFIG", help="Configuration file.")
]
DataDirOption = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        metavar="DIR",
        help="Directory for runs and logs. Overrides SOLORUN_DATA_DIR and the configuration file.",
    ),
]


def choice_option(values: type[StrEnum], metavar: str, help: str) -> Any:
    """An option whose value is one of these, which its help lists."""
    return typer.Option(
        metavar=metavar,
        parser=one_of(values),
        help=f"{help}: {', '.join(values)}.",
        autocompletion=one_of_values(values),
    )


def limit_option(what: str, maximum: float = math.inf) -> Any:
    """The option for the length of a list."""
    return typer.Option(
        "--limit", "-n", metavar="N", parser=whole_number(1, maximum), help=f"Maximum number of {what}."
    )
