"""A small TCP proxy that cuts connections after a given number of response bytes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class Proxy:
    """`cut_after`: the response bytes to forward on the next connection; None forwards all."""

    port: int = 0
    cut_after: int | None = None
    tasks: set["asyncio.Task[None]"] = field(default_factory=set)


@asynccontextmanager
async def cutting_proxy(target: int) -> AsyncIterator[Proxy]:
    proxy = Proxy()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        proxy.tasks.add(task)
        left, proxy.cut_after = proxy.cut_after, None
        service_reader, service_writer = await asyncio.open_connection("127.0.0.1", target)
        forwarding = asyncio.create_task(_forward(reader, service_writer))
        try:
            while left is None or left > 0:
                chunk = await service_reader.read(65536 if left is None else left)
                if not chunk:
                    break
                writer.write(chunk)
                await writer.drain()
                left = None if left is None else left - len(chunk)
        except ConnectionError:
            pass
        finally:
            forwarding.cancel()
            service_writer.transport.abort()
            writer.close()
            proxy.tasks.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        for task in list(proxy.tasks):
            task.cancel()
        await asyncio.gather(*proxy.tasks, return_exceptions=True)


async def _forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
    except ConnectionError:
        return
