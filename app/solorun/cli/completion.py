"""Completes arguments in a shell with what the service has: projects, runs, steps, scopes, parameters, artifacts.

A shell waits for the answer. It is therefore limited in time, and empty if the service does not give one.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Final, TypeVar

import typer

from solorun.cli.client import DEFAULT_URL, Client, open_client
from solorun.wire.runs import FROM_FAILED, FROM_START

T = TypeVar("T")

LIMIT_SECONDS: Final = 1.0
_MAX_RUNS: Final = 30

Item = tuple[str, str]
"""A value and its help."""
Complete = Callable[[typer.Context, str], list[Item]]


def one_of_values(values: Iterable[str]) -> Callable[[str], list[str]]:
    """Completes one of these values."""
    known = list(values)
    return lambda incomplete: [value for value in known if value.startswith(incomplete)]


class _DaemonThreads(ThreadPoolExecutor):
    """Resolves host names. The process does not wait for these threads: a name server may take long to answer."""

    def submit(self, function: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        future: Future[T] = Future()
        future.set_running_or_notify_cancel()

        def work() -> None:
            try:
                future.set_result(function(*args, **kwargs))
            except Exception as error:  # noqa: BLE001 - raised where the result is awaited
                future.set_exception(error)

        threading.Thread(target=work, daemon=True).start()
        return future


def _from_service(find: Callable[[Client, str], Awaitable[list[Item]]]) -> Complete:
    """Make a completer of a function that gets a client and the command's first argument, a project or a run."""

    async def ask(ctx: typer.Context) -> list[Item]:
        # The parser stops at an option without a value, which is the one to complete. The arguments are then in `args`.
        asyncio.get_running_loop().set_default_executor(_DaemonThreads())
        first = ctx.params.get("project") or ctx.params.get("run") or "".join(ctx.args[:1])
        async with (
            asyncio.timeout(LIMIT_SECONDS),
            open_client(ctx.params.get("url") or DEFAULT_URL, ctx.params.get("token_file")) as client,
        ):
            return await find(client, first)

    def complete(ctx: typer.Context, incomplete: str) -> list[Item]:
        with suppress(Exception):
            return [item for item in asyncio.run(ask(ctx)) if item[0].startswith(incomplete)]
        return []

    return complete


@_from_service
async def complete_projects(client: Client, _: str) -> list[Item]:
    projects = (await client.list_projects()).projects
    return [(project.name, project.title if project.title != project.name else "") for project in projects]


@_from_service
async def complete_runs(client: Client, _: str) -> list[Item]:
    """The latest runs, newest first, and the projects, whose names stand for their current runs."""
    page = await client.list_run_page(limit=_MAX_RUNS)
    projects = (await client.list_projects()).projects
    runs = [(str(run.id), f"{run.project} {run.scope}, {run.status}") for run in page.runs]
    return [*runs, *((project.name, "its current run") for project in projects)]


@_from_service
async def complete_schedules(client: Client, _: str) -> list[Item]:
    return [(schedule.id, schedule.cron) for schedule in await client.list_schedules()]


@_from_service
async def complete_workers(client: Client, _: str) -> list[Item]:
    return [(worker.id, worker.state) for worker in (await client.list_workers()).workers]


@_from_service
async def complete_scopes(client: Client, first: str) -> list[Item]:
    project = await client.get_project(first)
    return [(scope, "") for scope in project.scopes]


@_from_service
async def complete_params(client: Client, first: str) -> list[Item]:
    """`NAME=` for each parameter of the project, or of the run's project."""
    name = (await client.find_run(first)).project if first.isdigit() else first
    project = await client.get_project(name)
    return [(f"{parameter.name}=", parameter.description) for parameter in project.params]


@_from_service
async def complete_steps(client: Client, first: str) -> list[Item]:
    run = await client.find_run(first)
    return [(step.name, step.status) for step in run.steps]


@_from_service
async def complete_rerun_steps(client: Client, first: str) -> list[Item]:
    run = await client.find_run(first)
    return [
        (FROM_START, "all steps"),
        (FROM_FAILED, "the step that stopped the run"),
        *((one.name, one.status) for one in run.steps),
    ]


@_from_service
async def complete_artifacts(client: Client, first: str) -> list[Item]:
    run = await client.find_run(first)
    return [(artifact.name, "") for artifact in (await client.list_artifacts(run.id)).artifacts]
