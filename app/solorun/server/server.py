"""Our uvicorn.Server: it stops by itself in phases that know of runs and streams, which uvicorn does not."""

import asyncio
import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn

from solorun.api import Application
from solorun.server.protocol import LimitedProtocol
from solorun.server.signals import Signals
from solorun.service import Service

CLOSING_SECONDS: Final = 1.0
"""Of the shutdown's limit, what is kept for answers that are still under way and for closing the database."""

_TICK_SECONDS: Final = 1.0
_POLL_SECONDS: Final = 0.01

_logger = logging.getLogger("solorun.server")


class Server(uvicorn.Server):
    """Serves one application until it is told to stop."""

    def __init__(
        self, config: uvicorn.Config, app: Application, service: Service, signals: Signals, stop: asyncio.Event
    ) -> None:
        super().__init__(config)
        self._app = app
        self._service = service
        self._signals = signals
        self._stop = stop
        self._reloading: set[asyncio.Task[None]] = set()

    async def serve_until_stopped(self, sockets: list[socket.socket], *, on_started: Callable[[], None]) -> None:
        self._on_started = on_started
        self._signals.on_hangup = self._reload
        await self.serve(sockets=sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        # Ours are handled in `signals.py`. Uvicorn would raise them again at the end: no exit code would be 0.
        yield

    async def main_loop(self) -> None:
        await self.on_tick(0)
        self._on_started()
        signalled = asyncio.create_task(self._signals.stop.wait())
        stopped = asyncio.create_task(self._stop.wait())
        seconds = 0
        while not (signalled.done() or stopped.done()):
            # The date in our answers is made in a tick, once every ten.
            await self.on_tick(10 * seconds)
            await asyncio.wait((signalled, stopped), timeout=_TICK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            seconds += 1
        signalled.cancel()
        stopped.cancel()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002 - closed by who bound them
        limit_seconds = self._service.settings.shutdown_limit_seconds

        # 1. Admit nothing more, and tell what is active to stop: a start is answered 503 from here on.
        draining = asyncio.create_task(self._service.manager.drain(max(0.0, limit_seconds - CLOSING_SECONDS)))
        await asyncio.sleep(0)

        # 2. End the streams: who follows comes back to the next service, which knows how it ended.
        self._app.end_streams()

        # 3. Wait for the runs. Questions are still answered.
        await draining

        # 4. Listen no more, let the answers under way be finished, and cut what is left.
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        await self._wait_for_connections()
        for connection in list(self.server_state.connections):
            _logger.info("A connection did not end in time and is cut.")
            if isinstance(connection, LimitedProtocol):
                connection.abort()
        # Who lost its connection ends by itself; what does not is told, which uvicorn logs as an error.
        await self._wait_for_connections()
        for task in list(self.server_state.tasks):
            task.cancel()

        # 5. The service itself is closed by who opened it.

    async def _wait_for_connections(self) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + CLOSING_SECONDS / 2
        # uvicorn keeps two sets and tells nobody when they are empty.
        while (self.server_state.connections or self.server_state.tasks) and loop.time() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(_POLL_SECONDS)

    def _reload(self) -> None:
        task = asyncio.create_task(self._service.catalog.reload())
        self._reloading.add(task)
        task.add_done_callback(self._reloading.discard)
