"""Serves a service until it is stopped. The command line calls this."""

import asyncio
import logging
import socket
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import uvloop
from uvicorn import Config

from solorun.asgi import open_application
from solorun.projects import Catalog
from solorun.server import interpreter
from solorun.server.protocol import LimitedProtocol
from solorun.server.server import Server
from solorun.server.signals import Signals, exit_now
from solorun.server.sockets import BACKLOG, address_of, bind
from solorun.server.stalled_readers import StalledReaders
from solorun.service import DEFAULT_LIMITS, ServiceLimits
from solorun.settings import Settings
from solorun.steps.rlimits import raise_limit

LEFTOVER_SECONDS: Final = 0.5
"""How long tasks, and then threads, that coroutine steps left running may take to end."""

_logger = logging.getLogger("solorun.server")

Started = Callable[[str], None]


def run(settings: Settings, catalog: Catalog, *, started: Started | None = None) -> int:
    """Serve until SIGTERM or SIGINT, and return the exit code: 0 after a clean stop.

    `started` is called once, with the service's URL, when it accepts requests. A second signal exits immediately with
    128 plus the signal's number, the shutdown limit with 1. If a step left a thread running, the process exits with
    its normal code but without waiting for the thread. Raises ConfigurationInvalid (address in use),
    DataDirectoryUnusable, DatabaseUnusable.
    """
    others = set(threading.enumerate())
    raise_limit()
    interpreter.tune()
    loop = uvloop.new_event_loop()
    try:
        code = _run_to_completion(loop, loop.create_task(serve(settings, catalog, started=started)))
    finally:
        # asyncio.run would wait forever for a coroutine step that swallows every cancellation.
        loop.run_until_complete(_end_tasks())
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
    if not _end_threads(others):
        # The interpreter would wait for them forever.
        _logger.warning("Exiting without waiting for threads that steps left running.")
        exit_now(code)
    return code


async def serve(
    settings: Settings,
    catalog: Catalog,
    *,
    started: Started | None = None,
    stop: asyncio.Event | None = None,
    sockets: list[socket.socket] | None = None,
    limits: ServiceLimits = DEFAULT_LIMITS,
) -> int:
    """Like `run`, in the running loop: until a signal, or until `stop` is set. `sockets` replace host and port."""
    sockets = sockets or bind(settings.host, settings.port)
    signals = Signals(stop or asyncio.Event(), settings.shutdown_limit_seconds)
    reloading = asyncio.create_task(_reload_on_hangup(signals.hangup, catalog))
    try:
        with signals.handled():
            url = address_of(sockets, settings.host)
            async with open_application(settings, catalog, limits, url) as app:
                protocol: Any = partial(
                    LimitedProtocol,
                    stalled_readers=StalledReaders(limits.connections.max_unread_bytes),
                    limits=limits.connections,
                )
                config = Config(
                    app,
                    http=protocol,
                    ws="none",
                    lifespan="off",
                    # No decision depends on a client's address, so nothing is gained by forging one.
                    proxy_headers=False,
                    server_header=False,
                    log_config=None,
                    access_log=False,
                    timeout_keep_alive=limits.connections.keep_alive_seconds,
                    backlog=BACKLOG,
                )
                server = Server(
                    config,
                    app,
                    stop=signals.stop,
                    on_started=lambda: started(url) if started else None,
                )
                await server.serve(sockets=sockets)
    finally:
        reloading.cancel()
        for sock in sockets:
            sock.close()
    return 0


async def _reload_on_hangup(hangup: asyncio.Event, catalog: Catalog) -> None:
    while True:
        await hangup.wait()
        hangup.clear()
        await catalog.reload()


def _run_to_completion(loop: asyncio.AbstractEventLoop, serving: asyncio.Task[int]) -> int:
    """The result of `serving`, even if a task that a step started stops the loop."""
    while True:
        try:
            return loop.run_until_complete(serving)
        except (SystemExit, KeyboardInterrupt) as error:
            # asyncio lets these escape from any task. A caller that awaits the task sees them like any other error.
            if serving.done():
                raise
            _logger.error("A task started by a step tried to end the service: %r", error)


async def _end_tasks() -> None:
    """Cancel the tasks that steps left running, and give them a moment. The rest end with the process."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    if left:
        await asyncio.wait(left, timeout=LEFTOVER_SECONDS)


def _end_threads(others: set[threading.Thread]) -> bool:
    """Wait a moment for the threads that steps started, all but `others`. Returns whether they have ended."""
    deadline = time.monotonic() + LEFTOVER_SECONDS
    left = [thread for thread in threading.enumerate() if thread not in others and not thread.daemon]
    for thread in left:
        thread.join(max(0.0, deadline - time.monotonic()))
    return not any(thread.is_alive() for thread in left)
