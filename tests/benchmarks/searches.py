"""A search of a long log: how long its reader waits, and how long others wait for the reason of a failure meanwhile."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from tests.benchmarks.first_match import first_match
from tests.benchmarks.measuring import Goal, Result, Scale
from tests.benchmarks.records import flood
from tests.benchmarks.serving import Ours, command_project, ours

LINES = 3_000_000
SEARCHES = ("e", "photon nebula", "th")
GOAL = Goal(at_most=200)

_FAILING = "seq 2000; echo '::error::broken'; exit 1"
_ERRORS = 2  # the command's, and the end of the step


async def searches(scale: Scale) -> list[Result]:
    """The first match on the screen, and the slowest of a hundred reads beside three searches."""
    number = 100 if scale.pairs > 1 else 5
    async with ours(command_project("failing", _FAILING)) as service:
        long = await flood(service, scale.lines(LINES) // 100 * 100)
        failed = await service.ended(await service.start("failing"))
        results = await first_match(scale, f"{service.service.url}/p/flood/runs/{long['id']}?tab=log", long["last_seq"])
        async with _searching(service, long["id"]):
            return [
                *results,
                await _slowest(service, "a step's errors beside 3 searches", failed["id"], _ERRORS, number),
                await _slowest(service, "the same, of the searched log", long["id"], 0, number),
            ]


async def _slowest(service: Ours, name: str, run_id: int, errors: int, number: int) -> Result:
    slowest = 0.0
    for _ in range(number):
        began = time.perf_counter()
        answer = await service.http.get(f"/runs/{run_id}/log?limit=40&step=work&level=error")
        slowest = max(slowest, time.perf_counter() - began)
        assert len(answer.json()["records"]) == errors
        await asyncio.sleep(0.02)
    return Result(f"{name}, slowest", "ms", GOAL, ours=slowest * 1000)


@asynccontextmanager
async def _searching(service: Ours, run_id: int) -> AsyncIterator[None]:
    """Three clients, each of which searches the whole log again and again."""

    async def search(text: str) -> None:
        headers = {"cookie": f"client={len(text)}"}
        async with httpx.AsyncClient(base_url=service.service.api, trust_env=False, timeout=None) as client:
            while True:
                answer = await client.get(f"/runs/{run_id}/log", params={"q": text}, headers=headers)
                assert answer.status_code == 200

    tasks = [asyncio.create_task(search(text)) for text in SEARCHES]
    await asyncio.sleep(0.2)
    try:
        yield
    finally:
        assert not any(task.done() for task in tasks)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
