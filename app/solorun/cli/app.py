"""The application that all commands make up, and its exit code.

Commands import httpx, rich and the service inside their functions, so that `solorun --help` answers at once.
"""

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from solorun.cli.commands.cancel import cancel
from solorun.cli.commands.check import check
from solorun.cli.commands.demo import demo
from solorun.cli.commands.doctor import doctor
from solorun.cli.commands.download import artifact
from solorun.cli.commands.follow import follow
from solorun.cli.commands.init import init
from solorun.cli.commands.log import log
from solorun.cli.commands.runs import runs
from solorun.cli.commands.serve import serve
from solorun.cli.commands.show import show
from solorun.cli.commands.start import start
from solorun.cli.errors import guarded
from solorun.cli.render.terminal import prepare_output

_EPILOG = (
    "Exit codes: 0 completed, 1 failed, 2 usage or configuration, 3 conflict, 4 interrupted, 5 service unreachable, "
    "6 not found, 130 cancelled (or Ctrl-C)."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code. `arguments` None means those of the process."""
    prepare_output()
    try:
        _app(None if arguments is None else list(arguments), prog_name="solorun")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"solorun {version('solorun')}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """One run at a time, per project: started over HTTP, watched live, cancelled for certain, never lost."""


_app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    # Tracebacks are for reports: a plain one can be pasted, and shows no values of variables (a token, say).
    pretty_exceptions_enable=False,
    rich_markup_mode="rich" if sys.stdout.isatty() else None,
    epilog=_EPILOG,
)
_app.callback()(_root)
for _command in (serve, demo, init, check, start, follow, cancel, runs, show, log, artifact, doctor):
    _app.command()(guarded(_command))
