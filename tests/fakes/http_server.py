"""The server on a real socket in the test's loop, with scripted steps and raw client connections."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from solorun.api import Application
from solorun.projects import Catalog
from solorun.record import Stream
from solorun.run import Run
from solorun.server import serve
from solorun.service import Service, ServiceLimits
from solorun.settings import Settings
from tests.fakes.application import TOML
from tests.fakes.patience import PATIENT_LIMITS
from tests.fakes.steps import ScriptedExecutor, ScriptedStep


def request_for(path: str, **headers: str) -> bytes:
    lines = [f"GET {path} HTTP/1.1", "host: localhost"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


class Connection:
    """One connection to the server. It reads only what a test requests."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @property
    def port(self) -> int:
        port: int = self._writer.get_extra_info("sockname")[1]
        return port

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def get(self, path: str, **headers: str) -> None:
        await self.send(request_for(path, **headers))

    async def read_until(self, end: bytes) -> bytes:
        async with asyncio.timeout(60):
            return await self._reader.readuntil(end)

    async def read_chunks_until(self, end: bytes) -> bytes:
        """Read a chunked body up to and including `end`."""
        body = b""
        while not body.endswith(end):
            body += await self.read_chunk()
        return body

    async def read_chunk(self) -> bytes:
        """Read one chunk. The last one is empty."""
        size = int(await self.read_until(b"\r\n"), 16)
        async with asyncio.timeout(60):
            chunk = await self._reader.readexactly(size)
        await self.read_until(b"\r\n")
        return chunk

    async def read_body(self) -> bytes:
        """Read a chunked body to its end."""
        body = b""
        while chunk := await self.read_chunk():
            body += chunk
        return body

    async def read_to_close(self) -> bytes:
        """Read until the server closes the connection. b"" if it was reset."""
        async with asyncio.timeout(60):
            try:
                return await self._reader.read()
            except ConnectionResetError:
                return b""

    def close(self) -> None:
        self._writer.close()


@dataclass
class LiveServer:
    """A running server under test."""

    port: int
    app: Application
    service: Service
    executor: ScriptedExecutor
    client: httpx.AsyncClient
    stop: asyncio.Event
    serving: asyncio.Task[int]

    async def stopped(self) -> None:
        """Wait until the server has stopped. Set `stop` to stop it."""
        await asyncio.wait({self.serving})

    async def begin(self, project: str = "deploy", step: str = "deploy") -> tuple[int, ScriptedStep]:
        """Start a run and wait until its first step has started."""
        run = (await self.client.post(f"/api/v1/projects/{project}/runs")).json()
        return run["id"], await self.executor.step(step)

    async def complete(self, lines: list[str]) -> Run:
        """Run a project to completion, with these lines as output."""
        run_id, step = await self.begin()
        await step.context.output.write("deploy", Stream.STDOUT, lines)
        step.end()
        with anyio.fail_after(60):
            return [item async for item in self.service.tail.follow(run_id) if isinstance(item, Run)][-1]

    @asynccontextmanager
    async def connect(self, *, receive_buffer: int = 0, sent: bytes = b"") -> AsyncIterator[Connection]:
        """Open a connection. `sent` arrives before the server accepts it, without a delay in between."""
        sock = socket.socket()
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        # The kernel accepts both before the server, which shares this loop, can run.
        sock.connect(("127.0.0.1", self.port))
        sock.sendall(sent)
        sock.setblocking(False)
        reader, writer = await asyncio.open_connection(sock=sock, limit=4096 if receive_buffer else 2**20)
        try:
            yield Connection(reader, writer)
        finally:
            writer.close()

    @asynccontextmanager
    async def stream(self, path: str, **headers: str) -> AsyncIterator[Connection]:
        """Request a stream and read the response headers."""
        async with self.connect(sent=request_for(path, **headers)) as connection:
            head = await connection.read_until(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            yield connection

    async def until(self, predicate: Callable[[], bool]) -> None:
        with anyio.fail_after(60):
            while not predicate():
                await anyio.sleep(0.001)


OpenServer = Callable[..., AbstractAsyncContextManager[LiveServer]]


def make_open_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OpenServer:
    """Return a factory of servers. Other keyword arguments are settings."""

    @asynccontextmanager
    async def open_server(
        *,
        toml: str = TOML,
        host: str = "127.0.0.1",
        limits: ServiceLimits = PATIENT_LIMITS,
        **settings: Any,
    ) -> AsyncIterator[LiveServer]:
        executor, stop, made = ScriptedExecutor(), asyncio.Event(), list[Application]()
        url: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        def create_and_keep(*args: Any) -> Application:
            made.append(Application(*args))
            return made[-1]

        monkeypatch.setattr("solorun.engine.StepDispatcher", lambda *_args, **_options: executor)
        monkeypatch.setattr("solorun.asgi.Application", create_and_keep)
        path = tmp_path / "solorun.toml"
        path.write_text(toml)
        checked = Settings(
            **{"data_dir": tmp_path / "data", "host": host, "port": 0, "shutdown_limit_seconds": 5, **settings}
        )
        serving = asyncio.create_task(
            serve(
                checked,
                Catalog.open(path),
                started=url.set_result,
                stop=stop,
                limits=limits,
            )
        )
        either: set[asyncio.Future[Any]] = {serving, url}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            await serving
        async with httpx.AsyncClient(base_url=url.result(), timeout=60, verify=False) as client:
            app = made[0]
            port = httpx.URL(url.result()).port or 0
            try:
                yield LiveServer(port, app, app.state.service, executor, client, stop, serving)
            finally:
                stop.set()
                assert await serving == 0

    return open_server
