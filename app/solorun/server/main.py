"""Serves a service until it is stopped. The command line calls this."""

import asyncio
import socket
from collections.abc import Callable
from functools import partial
from typing import Any

from uvicorn import Config

from solorun.asgi import open_application
from solorun.projects import Catalog
from solorun.server.process import reload_on_hangup, run_process
from solorun.server.protocol import LimitedProtocol
from solorun.server.server import Server
from solorun.server.signals import Signals
from solorun.server.sockets import BACKLOG, address_of, bind
from solorun.server.stalled_readers import StalledReaders
from solorun.service import DEFAULT_LIMITS, ServiceLimits
from solorun.settings import Settings

Started = Callable[[str], None]


def run(settings: Settings, catalog: Catalog, *, started: Started | None = None) -> int:
    """Serve until SIGTERM or SIGINT, and return the exit code: 0 after a clean stop.

    `started` is called once, with the service's URL, when it accepts requests. A second signal exits immediately with
    128 plus the signal's number, the shutdown limit with 1. Raises ConfigurationInvalid (address in use),
    DataDirectoryUnusable, DatabaseUnusable.
    """
    return run_process(serve(settings, catalog, started=started))


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
    reloading = asyncio.create_task(reload_on_hangup(signals.hangup, catalog))
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
