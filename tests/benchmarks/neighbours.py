"""What a hostile run costs its neighbours: starts of another project and `/livez`, beside it and without it."""

import asyncio
import socket
import statistics
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from tests.benchmarks.measuring import Goal, Result, Scale, percentile
from tests.benchmarks.serving import Ours, command_project, ours

READERS = 12
PAGE_RECORDS = 1_000
ARTIFACTS = 200_000
GOAL = Goal(at_most=2)

_MASKS = """\
for k in $(seq 5 54); do echo "::add-mask::$(head -c $k /dev/zero | tr '\\0' a)"; done
line=$(head -c 16000 /dev/zero | tr '\\0' a)
while :; do echo "$line"; sleep 0.05; done
"""
_NUL_BYTES = "head -c 16000000 /dev/zero | fold -b -w 16000; echo written; exec sleep 600"
_FILES = 'cd "$SOLORUN_ARTIFACTS" && seq %d | xargs touch && echo created && exec sleep 600'

Hostile = Callable[[Ours], AbstractAsyncContextManager[None]]
Request = Callable[[], Awaitable[float]]
"""Returns how long it took, in milliseconds."""


async def neighbours(scale: Scale) -> list[Result]:
    """Many nested masks, readers of a huge page that read nothing, and clients that list very many artifacts."""
    files = _FILES % scale.lines(ARTIFACTS)
    commands = {"masks": _MASKS, "pages": _NUL_BYTES, "files": files}
    page = f"log?limit={PAGE_RECORDS}"
    hostile: dict[str, Hostile] = {
        "masks": _masking,
        "unread pages": lambda service: _requesting(service, "pages", "written", page, read=False),
        "artifacts": lambda service: _requesting(service, "files", "created", "artifacts", read=True),
    }
    results: list[Result] = []
    async with ours("\n".join(command_project(name, command) for name, command in commands.items())) as service:
        for name, begin in hostile.items():
            results += await _compare(service, name, begin, scale)
    return results


async def _compare(service: Ours, name: str, begin: Hostile, scale: Scale) -> list[Result]:
    """Beside the hostile run and without it, alternately."""
    requests: dict[str, Request] = {"start": lambda: _start(service), "/livez": lambda: _look(service)}
    figures: dict[str, list[tuple[float, float]]] = {request: [] for request in requests}
    number = 400 if scale.pairs > 1 else 5
    for _ in range(min(3, scale.pairs)):
        quiet = {request: await _slowest(send, number) for request, send in requests.items()}
        async with begin(service):
            for request, send in requests.items():
                figures[request].append((await _slowest(send, number), quiet[request]))
    return [
        Result(
            f"{request} beside {name}, p99",
            "ms",
            GOAL,
            ours=statistics.median(busy for busy, _ in pairs),
            limit=statistics.median(quiet for _, quiet in pairs),
            ratio=statistics.median(busy / quiet for busy, quiet in pairs),
        )
        for request, pairs in figures.items()
    ]


async def _slowest(send: Request, number: int) -> float:
    """The 99th percentile."""
    durations = []
    for _ in range(number):
        durations.append(await send())
        await asyncio.sleep(0.005)
    return percentile(durations, 0.99)


async def _start(service: Ours) -> float:
    began = time.perf_counter()
    run_id = await service.start("nothing")
    took = time.perf_counter() - began
    await service.ended(run_id)
    return took * 1000


async def _look(service: Ours) -> float:
    began = time.perf_counter()
    answer = await service.http.get(f"http://127.0.0.1:{service.port}/livez")
    took = time.perf_counter() - began
    answer.raise_for_status()
    return took * 1000


@asynccontextmanager
async def _masking(service: Ours) -> AsyncIterator[None]:
    run_id = await service.start("masks")
    await service.logged(run_id, "***")
    yield
    await service.cancel(run_id)


@asynccontextmanager
async def _requesting(service: Ours, project: str, message: str, resource: str, *, read: bool) -> AsyncIterator[None]:
    """Twelve clients that request a resource of the project's run again and again, each in a thread."""
    run_id = await service.start(project)
    await service.logged(run_id, message)
    left = threading.Event()

    def repeat() -> None:
        while not left.is_set():
            _request(service.port, f"/api/v1/runs/{run_id}/{resource}", read=read)

    with ThreadPoolExecutor(READERS) as clients:
        for _ in range(READERS):
            clients.submit(repeat)
        try:
            yield
        finally:
            left.set()
    await service.cancel(run_id)


def _request(port: int, path: str, *, read: bool) -> None:
    """Without a library, which would delay the requests that are measured by its own work."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n".encode())
        if not read:
            time.sleep(1)
        while read and connection.recv(1 << 20):
            pass
