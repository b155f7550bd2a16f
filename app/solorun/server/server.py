"""Our uvicorn.Server: it shuts down in phases that take runs and streams into account."""

import asyncio
import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import anyio
import uvicorn

from solorun.api import Application
from solorun.server.protocol import LimitedProtocol

CLOSING_SECONDS: Final = 1.0
"""The part of the shutdown limit that is reserved for responses in progress and for closing the database."""

_TICK_SECONDS: Final = 1.0
_POLL_SECONDS: Final = 0.01

_logger = logging.getLogger("solorun.server")


class Server(uvicorn.Server):
    """Serves one application until `stop` is set. `on_started` is called when it accepts requests."""

    def __init__(
        self, config: uvicorn.Config, app: Application, *, stop: asyncio.Event, on_started: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._app = app
        self._stop = stop
        self._on_started = on_started

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        # `signals.py` handles them. Uvicorn would raise them again at the end, so that no exit code would be 0.
        yield

    async def main_loop(self) -> None:
        await self.on_tick(0)
        self._on_started()
        seconds = 0
        while not self._stop.is_set():
            # Every tenth tick updates the date in responses.
            await self.on_tick(10 * seconds)
            with anyio.move_on_after(_TICK_SECONDS):
                await self._stop.wait()
            seconds += 1

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002 - `serve` closes them
        service = self._app.state.service
        limit_seconds = service.settings.shutdown_limit_seconds

        # 1. Stop admitting runs, and ask the active ones to stop: from here on, a start gets a 503.
        draining = asyncio.create_task(service.manager.drain(max(0.0, limit_seconds - CLOSING_SECONDS)))
        await asyncio.sleep(0)

        # 2. End the streams. Their readers reconnect to the next service, which knows how the runs ended.
        self._app.end_streams()

        # 3. Wait for the runs. Other requests are still served.
        await draining

        # 4. Stop listening, let responses in progress finish, and cut off the rest.
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        await self._wait_for_connections()
        for connection in list(self.server_state.connections):
            _logger.info("A connection did not end in time and is cut off.")
            if isinstance(connection, LimitedProtocol):
                connection.transport.abort()
        # A request that loses its connection ends by itself. Uvicorn would log a cancelled one as an error.
        await self._wait_for_connections()
        for task in list(self.server_state.tasks):
            task.cancel()

        # 5. The service itself is closed by the caller, who opened it.

    async def _wait_for_connections(self) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + CLOSING_SECONDS / 2
        # Uvicorn has two sets and no event for when they are empty.
        while (self.server_state.connections or self.server_state.tasks) and loop.time() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(_POLL_SECONDS)
