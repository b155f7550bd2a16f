"""A TCP proxy in front of a server that listens on a Unix socket. It cuts its connections on request."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path


class UnixProxy:
    """`cut` ends some of the connections that are open."""

    port = 0

    def __init__(self) -> None:
        self.connections: set[asyncio.WriteTransport] = set()

    def cut(self, share: float = 1.0) -> int:
        """Abort about this share of the connections, in the middle of whatever they transfer. Returns how many."""
        chosen = [one for one in self.connections if random.random() < share]
        for connection in chosen:
            connection.abort()
        return len(chosen)


@asynccontextmanager
async def unix_proxy(target: Path) -> AsyncIterator[UnixProxy]:
    proxy = UnixProxy()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            server_reader, server_writer = await asyncio.open_unix_connection(target)
            transports = {writer.transport, server_writer.transport}
            proxy.connections.add(writer.transport)
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(_forward(reader, server_writer))
                    group.create_task(_forward(server_reader, writer))
            finally:
                proxy.connections.discard(writer.transport)
                for transport in transports:
                    transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        proxy.cut()


async def _forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
    writer.transport.abort()
