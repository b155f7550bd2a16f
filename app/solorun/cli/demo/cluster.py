"""Two services and two workers on one database, and a run that moves through them."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from solorun.cli.commands.follow import show_run
from solorun.cli.demo.child import Child, ProcessEnded, running
from solorun.cli.demo.postgres import temporary_postgres
from solorun.cli.exit_codes import ExitCode, exit_code_of_status
from solorun.cli.render.terminal import write
from solorun.cli.render.views import choose_view
from solorun.errors import ConfigurationInvalid, FieldError
from solorun.run import Run
from solorun.settings import DataDirectory

_ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_POLL_SECONDS: Final = 0.05
_IN_USE: Final = (
    "names a database that has runs, or that a service or a worker uses. The demo needs an empty one; unset the "
    "variable to use a temporary server"
)


@dataclass(frozen=True, slots=True)
class Cluster:
    """What the processes print when they are ready: the URLs of the services, and the names of the workers by id."""

    urls: tuple[str, ...]
    workers: dict[str, str]
    services: tuple[Child, ...]


async def demonstrate(
    config: Path,
    project: str,
    *,
    directory: DataDirectory,
    port: int,
    database_url: str | None,
    show_result: Callable[[Run], None],
    exit_after_run: bool,
) -> int:
    """Run the project in a cluster until a signal arrives or, with `exit_after_run`, until the run ends.

    Without a `database_url`, a temporary PostgreSQL server is part of it.

    Returns the exit code. Raises ServerMissing, ProcessEnded, and ConfigurationInvalid if the database is in use.
    """
    cluster = _cluster(config, directory, port=port, database_url=database_url)
    showing = asyncio.create_task(_demonstrate(cluster, project, show_result, exit_after_run=exit_after_run))
    for number in _ENDING:
        asyncio.get_running_loop().add_signal_handler(number, showing.cancel)
    try:
        return exit_code_of_status((await showing).status)
    except asyncio.CancelledError:
        write("Stopped; the run was interrupted.\n")
        return ExitCode.INTERRUPTED


async def _demonstrate(
    opening: AbstractAsyncContextManager[Cluster],
    project: str,
    show_result: Callable[[Run], None],
    *,
    exit_after_run: bool,
) -> Run:
    async with opening as cluster:
        watching = asyncio.create_task(_watch(cluster))
        showing = asyncio.create_task(_start_and_show(cluster, project))
        try:
            await asyncio.wait((watching, showing), return_when=asyncio.FIRST_COMPLETED)
            if watching.done():
                await watching
            run = await showing
            show_result(run)
            if not exit_after_run:
                write(f"\nLook at {cluster.urls[0]} or {cluster.urls[1]}. Ctrl-C stops all processes.\n")
                with suppress(asyncio.CancelledError):
                    await watching
            return run
        finally:
            watching.cancel()
            showing.cancel()


@asynccontextmanager
async def _cluster(
    config: Path, directory: DataDirectory, *, port: int, database_url: str | None
) -> AsyncIterator[Cluster]:
    async with AsyncExitStack() as stack:
        if database_url is None:
            write("Starting PostgreSQL, two services and two workers …\n")
            database_url = await stack.enter_async_context(temporary_postgres())
        elif await asyncio.to_thread(_is_in_use, database_url):
            raise ConfigurationInvalid([FieldError("SOLORUN_DATABASE_URL", _IN_USE)])
        environ = {name: value for name, value in os.environ.items() if not name.startswith("SOLORUN_")}
        environ |= {
            "SOLORUN_DATABASE_URL": database_url,
            "SOLORUN_SHARED_DIR": str(directory.files),
            "SOLORUN_EXECUTE_RUNS": "false",
        }

        async def start(name: str, command: str, *options: str, stop: tuple[signal.Signals, ...]) -> Child:
            data = directory.path / name.replace(" ", "-")
            data.mkdir(parents=True, mode=0o700)
            program = (sys.executable, "-P", "-m", "solorun", command)
            places = ("--config", str(config), "--data-dir", str(data))
            return await stack.enter_async_context(
                running(name, *program, *places, *options, log=data.with_suffix(".log"), environ=environ, stop=stop)
            )

        services = [
            await start("service 1", "serve", "--port", str(port), stop=(signal.SIGTERM,)),
            await start("service 2", "serve", "--port", "0", stop=(signal.SIGTERM,)),
        ]
        # The first signal drains a worker, and the second interrupts its runs.
        both = (signal.SIGTERM, signal.SIGINT)
        workers = [await start(f"worker {number}", "worker", stop=both) for number in (1, 2)]
        urls = [(await service.find_line(" at http")).partition(" at ")[2].split()[0] for service in services]
        ids = [(await worker.find_line("Worker ")).split()[1] for worker in workers]
        for child, address in zip((*services, *workers), (*urls, *ids), strict=True):
            write(f"  {child.name:9}  {address}  (process {child.pid})\n")
        yield Cluster(tuple(urls), {id: worker.name for id, worker in zip(ids, workers, strict=True)}, tuple(services))


async def _watch(cluster: Cluster) -> None:
    """Wait until a service ends, which a demo cannot go on without. Raises ProcessEnded."""
    waiting = {asyncio.create_task(service.wait()): service for service in cluster.services}
    try:
        done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
    raise ProcessEnded(f"{waiting[done.pop()].name} has ended.")


async def _start_and_show(cluster: Cluster, project: str) -> Run:
    """Start a run on one service, and follow it on the other."""
    from solorun.client import RunClient

    async with RunClient(cluster.urls[0]) as first, RunClient(cluster.urls[1]) as second:
        run = await first.start_run(project, triggered_by="demo")
        name = await wait_for_worker(run, cluster.workers, second.get_run)
        write(f"\nRun {run.id} was started on service 1. {name.capitalize()} executes it, and service 2 shows it:\n\n")
        return await show_run(second.follow(run.id), choose_view(run, json=False, raw=False))


async def wait_for_worker(run: Run, workers: Mapping[str, str], get_run: Callable[[int], Awaitable[Run]]) -> str:
    """Wait until one of the workers, whose names are given by id, has claimed the run. Returns its name.

    Until then, the run may still be shown as the service's that started it. Returns "nothing" if it has ended before.
    """
    while run.worker not in workers and not run.has_ended:
        await asyncio.sleep(_POLL_SECONDS)
        run = await get_run(run.id)
    return workers.get(run.worker or "", "nothing")


def _is_in_use(database_url: str) -> bool:
    try:
        from solorun.stores.postgres.usage import is_in_use
    except ImportError:
        return False  # The services say what is missing.
    return is_in_use(database_url)
