"""Options and arguments that several commands share."""

from pathlib import Path
from typing import Annotated, Final

import typer

from solorun.cli.completion import complete_projects, complete_runs, complete_schedules
from solorun.cli.param_types import whole_number

DEFAULT_CONFIG: Final = Path("solorun.toml")

JsonOption = Annotated[bool, typer.Option("--json", help="Print the JSON objects of the HTTP API.")]
RunArgument = Annotated[
    str,
    typer.Argument(
        metavar="RUN", help="Id of a run, or name of a project for its current run.", autocompletion=complete_runs
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
