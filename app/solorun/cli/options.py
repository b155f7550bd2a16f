"""The options and arguments that several commands share."""

from pathlib import Path
from typing import Annotated, Final

import typer

from solorun.cli.param_types import whole_number
from solorun.settings import DEFAULT_PORT

DEFAULT_URL: Final = f"http://127.0.0.1:{DEFAULT_PORT}"
DEFAULT_CONFIG: Final = Path("solorun.toml")

UrlOption = Annotated[str, typer.Option("--url", envvar="SOLORUN_URL", help="Where the service is.")]
TokenFileOption = Annotated[
    Path | None,
    typer.Option(
        "--token-file", help="A file with the service's token; else SOLORUN_TOKEN, else the file SOLORUN_TOKEN_FILE."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON for scripts: the API's own objects.")]
RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="A run's id, or a project's name for its current run.")]
RawOption = Annotated[bool, typer.Option("--raw", help="Leave control characters of the log as they are.")]
TailOption = Annotated[
    int | None, typer.Option("--tail", "-n", metavar="N", parser=whole_number(0), help="Only the last N records.")
]
ConfigOption = Annotated[
    Path, typer.Option("--config", envvar="SOLORUN_CONFIG", help="The file that declares projects.")
]
DataDirOption = Annotated[
    Path | None, typer.Option("--data-dir", help="Where runs and logs are kept; beats SOLORUN_DATA_DIR and the file.")
]
