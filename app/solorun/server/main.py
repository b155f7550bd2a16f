"""Serves a service until it is told to stop. What the command line calls."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from typing import Final

import uvloop
from uvicorn import Config

from solorun.api import create_app
from solorun.dashboard import routes as dashboard_routes
from solorun.projects import Catalog
from solorun.server import gc_tuning
from solorun.server.protocol import LimitedProtocol
from solorun.server.server import Server
from solorun.server.signals import Signals, exit_at_once
from solorun.server.sockets import address_of, bind
from solorun.service import DEFAULT_LIMITS, Service, ServiceLimits
from solorun.settings import Settings
from solorun.steps.rlimits import raise_limit

KEEP_ALIVE_SECONDS: Final = 10
BACKLOG: Final = 2048
LEFTOVER_SECONDS: Final = 0.5
"""So long the tasks, and then the threads, that coroutine steps left behind may take for their own end."""

_logger = logging.getLogger("solorun.server")

Started = Callable[[str], None]


def run(settings: Settings, catalog: Catalog, *, started: Started | None = None) -> int:
    """Serve until SIGTERM or SIGINT; the exit code: 0 after a clean stop.

    `started` is called once, with the service's URL, when it answers. A second signal ends the process at once, with
    128 and the signal's number; so does the shutdown's limit, with 1; and so does a thread that a step left at work,
    with the code that it would have had. Raises ConfigurationInvalid (address taken), DataDirectoryUnusable,
    DatabaseUnusable.
    """
    others = set(threading.enumerate())
    raise_limit()
    gc_tuning.tune()
    loop = uvloop.new_event_loop()
    try:
        code = _run_to_its_end(loop, loop.create_task(serve(settings, catalog, started=started)))
    finally:
        # asyncio.run would wait for ever for a coroutine step that swallows every cancellation.
        loop.run_until_complete(_end_tasks())
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
    if not _end_threads(others):
        # The interpreter would wait for them for ever.
        _logger.warning("Exiting without the threads that steps left at work.")
        exit_at_once(code)
    return code


async def serve(
    settings: Settings,
    catalog: Catalog,
    *,
    started: Started | None = None,
    stop: asyncio.Event | None = None,
    limits: ServiceLimits = DEFAULT_LIMITS,
) -> int:
    """The same in a loop that runs: until a signal, or until `stop` is set."""
    sockets = bind(settings.host, settings.port)
    with Signals(settings.shutdown_limit_seconds) as signals:
        try:
            async with Service.open(settings, catalog, limits=limits) as service:
                app = create_app(service, dashboard_routes(service.settings.root_path))
                config = Config(
                    app,
                    http=LimitedProtocol,
                    ws="none",
                    lifespan="off",
                    # Nobody's address decides anything here, so that nobody can forge one.
                    proxy_headers=False,
                    server_header=False,
                    log_config=None,
                    access_log=False,
                    timeout_keep_alive=KEEP_ALIVE_SECONDS,
                    backlog=BACKLOG,
                )
                server = Server(config, app, service, signals, stop or asyncio.Event())
                await server.serve_until_stopped(
                    sockets, on_started=lambda: started(address_of(sockets, settings.host)) if started else None
                )
        finally:
            for sock in sockets:
                sock.close()
    return 0


def _run_to_its_end(loop: asyncio.AbstractEventLoop, serving: asyncio.Task[int]) -> int:
    """The result of `serving`, whatever a task that some step started does to the loop."""
    while True:
        try:
            return loop.run_until_complete(serving)
        except (SystemExit, KeyboardInterrupt) as error:
            # asyncio lets these out of any task. Who started the task hears of it as of any error.
            if serving.done():
                raise
            _logger.error("A task of a step wanted to end the service: %r", error)


async def _end_tasks() -> None:
    """Cancel what steps left running in the loop, and give it a moment. What stays is gone with the process."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    if left:
        await asyncio.wait(left, timeout=LEFTOVER_SECONDS)


def _end_threads(others: set[threading.Thread]) -> bool:
    """Whether the threads that steps started, beside the `others`, are over in a moment."""
    deadline = time.monotonic() + LEFTOVER_SECONDS
    left = [thread for thread in threading.enumerate() if thread not in others and not thread.daemon]
    for thread in left:
        thread.join(max(0.0, deadline - time.monotonic()))
    return not any(thread.is_alive() for thread in left)
