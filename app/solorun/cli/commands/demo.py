"""`solorun demo`: serves the example project, starts a run and shows it until the glossary is finished."""

import asyncio
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from solorun.cli.commands.follow import show_run
from solorun.cli.exit_codes import ExitCode, exit_code_of_status
from solorun.cli.param_types import port_number
from solorun.cli.render.terminal import write
from solorun.cli.render.views import choose_view
from solorun.errors import ConfigurationInvalid
from solorun.settings import DEFAULT_PORT, DataDirectory, Settings
from solorun.status import Status

if TYPE_CHECKING:
    from socket import socket

    from solorun.projects import Catalog
    from solorun.run import Run

PROJECT: Final = "glossary"
RESULT: Final = "glossary.md"
PACE_SECONDS: Final = 9
"""The duration of each step, unless the demo exits after the run: long enough to open the dashboard and watch."""


def demo(
    documents: Annotated[
        Path | None,
        typer.Option(
            help="A directory of Markdown and text files; default: the handbook of a small observatory.",
            exists=True,
            file_okay=False,
        ),
    ] = None,
    cluster: Annotated[
        bool, typer.Option("--cluster", help="Two services and two workers, which share a PostgreSQL database.")
    ] = False,
    exit_after_run: Annotated[bool, typer.Option("--exit", help="Exit when the run ends.")] = False,
    port: Annotated[
        int | None,
        typer.Option(
            metavar="PORT",
            parser=port_number,
            help=f"Port to listen on; 0 picks a free one. Default: {DEFAULT_PORT}, or a free one if it is in use.",
        ),
    ] = None,
) -> None:
    """Serve an example project, and start a run of it. It makes a glossary from documents. Ctrl-C stops everything."""
    import uvloop

    from solorun.projects import Catalog
    from solorun.server.sockets import bind
    from solorun.steps import protect_service
    from solorun_examples.glossary import DOCUMENTS, write_project

    environ = protect_service(owns_process=True)
    # Warnings are for operators of a service. The run's log says what goes wrong in the run.
    logging.basicConfig(level=logging.ERROR)
    with demo_directory() as directory:
        source = documents or DOCUMENTS
        config = write_project(directory, source, pace=0 if exit_after_run else PACE_SECONDS)
        catalog = Catalog.open(config)
        settings = Settings(data_dir=directory / "data")
        sockets = bind(settings.host, port) if port is not None else _bind_default_port(settings.host)
        steps = " → ".join(step.name for step in catalog.configuration.projects[PROJECT].steps)
        services = "two services with a dashboard, two workers" if cluster else "a service with a dashboard"
        write(
            f"This demo makes a glossary from {source}:\n"
            f"it starts {services}, and a run of the steps {steps}.\n"
            f"Its files are in {directory}; the next demo replaces them. Ctrl-C stops everything.\n"
        )
        if cluster:
            code = _demonstrate_cluster(settings, config, sockets, environ, exit_after_run=exit_after_run)
        else:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                code = runner.run(_demonstrate(settings, catalog, sockets, exit_after_run=exit_after_run))
    raise typer.Exit(code)


@contextmanager
def demo_directory() -> Iterator[Path]:
    """The demo's directory in the user's cache, without an earlier demo's data, or a temporary one while another demo
    uses that.
    """
    from filelock import FileLock, Timeout

    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    directory = cache / "solorun" / "demo"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        lock = FileLock(directory / "demo.lock")
        lock.acquire(blocking=False)
    except (OSError, Timeout):
        # Not removed at the end: it contains the glossary.
        yield Path(tempfile.mkdtemp(prefix="solorun-demo-"))
        return
    try:
        # A demo begins with run 1.
        if (directory / "data").exists():
            shutil.rmtree(directory / "data")
        yield directory
    finally:
        lock.release()


def _bind_default_port(host: str) -> "list[socket]":
    """Listen on the default port, where the other commands look for the service, or on a free one if it is in use."""
    from solorun.server.sockets import bind

    try:
        return bind(host, DEFAULT_PORT)
    except ConfigurationInvalid:
        return bind(host, 0)


def _demonstrate_cluster(
    settings: Settings, config: Path, sockets: "list[socket]", environ: Mapping[str, str], *, exit_after_run: bool
) -> int:
    from solorun.cli.demo import demonstrate

    port = sockets[0].getsockname()[1]
    for listening in sockets:  # its process binds the port again
        listening.close()
    shared = DataDirectory(settings.data_dir, settings.data_dir / "shared")
    demonstrating = demonstrate(
        config,
        PROJECT,
        directory=shared,
        port=port,
        database_url=environ.get("SOLORUN_DATABASE_URL"),
        show_result=lambda run: show_result(run, shared),
        exit_after_run=exit_after_run,
    )
    return asyncio.run(demonstrating)


async def _demonstrate(settings: Settings, catalog: "Catalog", sockets: "list[socket]", *, exit_after_run: bool) -> int:
    """Serve until a signal arrives or, with `exit_after_run`, until the run ends; returns the exit code."""
    from solorun.server import serve

    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    stop = asyncio.Event()
    serving = asyncio.create_task(serve(settings, catalog, started=ready.set_result, stop=stop, sockets=sockets))
    try:
        await asyncio.wait((ready, serving), return_when=asyncio.FIRST_COMPLETED)
        if not ready.done():
            return await serving
        showing = asyncio.create_task(_start_and_show(ready.result(), settings))
        await asyncio.wait((showing, serving), return_when=asyncio.FIRST_COMPLETED)
        if not showing.done():
            # A signal: the service has interrupted the run and has stopped answering.
            showing.cancel()
            await asyncio.wait((showing,))
            write("Stopped; the run was interrupted.\n")
            return ExitCode.INTERRUPTED
        run = await showing
        if not exit_after_run:
            write(f"\nLook at {ready.result()} in a browser. Ctrl-C stops the service.\n")
            await serving
        return exit_code_of_status(run.status)
    finally:
        stop.set()
        await asyncio.wait((serving,))


async def _start_and_show(url: str, settings: Settings) -> "Run":
    from solorun.client import RunClient

    write(f"Serving at {url} (data in {settings.data_dir})\n\n")
    async with RunClient(url) as client:
        started = await client.start_run(PROJECT, triggered_by="demo")
        run = await show_run(client.follow(started.id), choose_view(started, json=False, raw=False))
    show_result(run, DataDirectory(settings.data_dir, settings.shared_dir))
    return run


def show_result(run: "Run", directory: DataDirectory) -> None:
    """Print where the glossary is, if the run has made one."""
    result = directory.artifacts(run.id) / RESULT
    if run.status is Status.COMPLETED and result.is_file():
        write(f"\nThe glossary: {result}\n")
