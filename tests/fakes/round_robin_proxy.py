"""A proxy that sends every request to the next of several services, as one without sticky sessions does."""

import asyncio
import itertools
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

_KEEP_ALIVE = re.compile(rb"\r\nconnection:[^\r]*", re.IGNORECASE)


@contextmanager
def round_robin_proxy(ports: Sequence[int]) -> Iterator[int]:
    """The port of a proxy for services on this machine, in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="proxy")
    thread.start()
    targets = itertools.cycle(ports)
    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)
        try:
            await _serve_one_request(reader, writer, next(targets))
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            serving.discard(task)
            writer.transport.abort()

    async def stop(server: asyncio.Server) -> None:
        server.close()
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)

    server = asyncio.run_coroutine_threadsafe(asyncio.start_server(serve, "127.0.0.1", 0), loop).result()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        asyncio.run_coroutine_threadsafe(stop(server), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _serve_one_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
    """Both sides close the connection after the response, so the next request gets another service."""
    head = (await reader.readuntil(b"\r\n\r\n")).removesuffix(b"\r\n\r\n")
    from_service, to_service = await asyncio.open_connection("127.0.0.1", port)
    to_service.write(_KEEP_ALIVE.sub(b"", head) + b"\r\nconnection: close\r\n\r\n")
    sending = asyncio.create_task(_copy(reader, to_service))
    receiving = asyncio.create_task(_copy(from_service, writer))
    try:
        # A client that leaves ends the request, too.
        await asyncio.wait((sending, receiving), return_when=asyncio.FIRST_COMPLETED)
    finally:
        sending.cancel()
        receiving.cancel()
        await asyncio.gather(sending, receiving, return_exceptions=True)
        to_service.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(65_536):
        writer.write(chunk)
        await writer.drain()
