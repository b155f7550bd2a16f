"""What a request costs several services on one database, in CPU time, against one service alone."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from itertools import count
from uuid import uuid4

import psycopg

from tests.benchmarks.cluster import END_UNCLAIMED, LEFT, clustered
from tests.benchmarks.load import hammer, make_request, send_all
from tests.benchmarks.measuring import Goal, Result, Scale, Stopwatch, compare
from tests.benchmarks.serving import Ours
from tests.fakes.postgres import private_server

REPLICAS = 4
_CONNECTIONS = 16
"""To each service, which is as busy beside others as alone. With fewer, a turn of its loop serves fewer requests."""
_WORK_SECONDS = 0.2
"""How long a run stays active."""
_GOAL = Goal(at_least=3 / REPLICAS)
"""Four services do at least three times as much as one, if each has as much CPU time as that one."""

Use = Callable[[list[Ours], Scale], Awaitable[int]]
"""Sends requests to the services in turns, and returns how many were answered."""


async def replicas(scale: Scale) -> list[Result]:
    """Starts, refused starts and reads per CPU second of all services. The two sides have a database each."""
    with private_server() as server:
        with psycopg.connect(server.url, autocommit=True) as connection:
            urls = [_create_database(connection, server.url, name) for name in ("alone", "together")]
        async with _loaded(urls[0], 1) as alone, _loaded(urls[1], REPLICAS) as together:
            return [
                await compare(
                    f"{name}, {REPLICAS} services against one",
                    "/CPU-s",
                    _GOAL,
                    lambda use=use: _per_cpu_second(together, use, scale),  # type: ignore[misc]
                    lambda use=use: _per_cpu_second(alone, use, scale),  # type: ignore[misc]
                    scale=scale,
                )
                for name, use in (("starts", _starts), ("refused starts", _refusals), ("GETs of a run", _reads))
            ]


def _create_database(connection: psycopg.Connection, url: str, name: str) -> str:
    connection.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
    base, _, query = url.partition("?")
    return f"{base.rpartition('/')[0]}/{name}?{query}"


@asynccontextmanager
async def _loaded(url: str, services: int) -> AsyncIterator[list[Ours]]:
    """Services with a run on a worker, and something that ends what they start, as workers would."""
    async with clustered(url, services=services, workers=1) as opened:
        run_id = await opened[0].start("hold")
        for service in opened:
            await service.running(run_id)
            service.held = run_id
        ending = asyncio.create_task(_end_starts(url))
        yield opened
        ending.cancel()
        await opened[0].cancel(run_id)


async def _end_starts(url: str) -> None:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        while True:
            await asyncio.sleep(_WORK_SECONDS)
            await connection.execute(END_UNCLAIMED)


async def _per_cpu_second(services: list[Ours], use: Use, scale: Scale) -> float:
    watches = [Stopwatch(service.pid) for service in services]
    answers = await use(services, scale)
    return answers / sum(watch.cpu for watch in watches)


async def _starts(services: list[Ours], scale: Scale) -> int:
    """Each of another project, and left to a worker with a label that none has."""
    numbers = iter(range(scale.lines(400)))

    def requests(service: Ours) -> Iterator[bytes]:
        for _ in numbers:
            yield make_request("POST", f"/api/v1/projects/left-{next(_names) % LEFT}/runs", service.port, b"{}")

    sent = [send_all(service.port, requests(service), status=201, connections=_CONNECTIONS) for service in services]
    await asyncio.gather(*sent)
    return scale.lines(400)


async def _refusals(services: list[Ours], scale: Scale) -> int:
    def request_to(service: Ours) -> bytes:
        return make_request("POST", "/api/v1/projects/hold/runs", service.port, b"{}", key=str(uuid4()))

    return await _hammer(services, request_to, 409, scale)


async def _reads(services: list[Ours], scale: Scale) -> int:
    def request_to(service: Ours) -> bytes:
        return make_request("GET", f"/api/v1/runs/{service.held}", service.port)

    return await _hammer(services, request_to, 200, scale)


async def _hammer(services: list[Ours], request_to: Callable[[Ours], bytes], status: int, scale: Scale) -> int:
    answers = await asyncio.gather(
        *(
            hammer(service.port, request_to(service), status=status, seconds=scale.seconds, connections=_CONNECTIONS)
            for service in services
        )
    )
    return sum(map(len, answers))


_names = count()
