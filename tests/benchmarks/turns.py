"""How soon the next run of a queue begins, and what it costs to be queued."""

import statistics
import time
from datetime import datetime

from tests.benchmarks.measuring import Goal, Result, Scale, compare, percentile
from tests.benchmarks.serving import Ours, ours

TURNS = 40
QUEUED = 20
"""Runs that are queued one after another, before the queue is emptied."""


async def turns(scale: Scale) -> list[Result]:
    """From the request to cancel the holder to the first record of the next run; and a queued start, by its answer."""
    number = TURNS if scale.pairs > 1 else 2
    async with ours() as service:
        delays = [await _take_turn(service) for _ in range(number)]
        holder = await service.start("hold")
        await service.running(holder)

        async def queue() -> float:
            seconds, run_ids = [], []
            for _ in range(QUEUED if scale.pairs > 1 else 2):
                began = time.perf_counter()
                run_ids.append(await _queue(service, "hold"))
                seconds.append(time.perf_counter() - began)
            for run_id in reversed(run_ids):
                await service.cancel(run_id)
            return statistics.median(seconds) * 1000

        async def accept() -> float:
            seconds = []
            for _ in range(QUEUED if scale.pairs > 1 else 2):
                began = time.perf_counter()
                run_id = await service.start("clock")
                seconds.append(time.perf_counter() - began)
                await service.cancel(run_id)
            return statistics.median(seconds) * 1000

        return [
            Result("cancel of the holder to the next run, p50", "ms", Goal(at_most=50), ours=statistics.median(delays)),
            Result("cancel of the holder to the next run, p95", "ms", Goal(at_most=100), ours=percentile(delays, 0.95)),
            await compare("queued start against an accepted one", "ms", Goal(at_most=1.5), queue, accept, scale=scale),
        ]


async def _take_turn(service: Ours) -> float:
    """Milliseconds from the request to cancel the active run to the start of the queued one."""
    holder = await service.start("hold")
    await service.logged(holder, "holding")
    waiting = await _queue(service, "hold")
    sent_at = time.time()
    await service.http.post(f"/runs/{holder}/cancel")
    await service.logged(waiting, "holding")
    began_at = datetime.fromisoformat((await service.get(waiting))["started_at"]).timestamp()
    await service.cancel(waiting)
    return (began_at - sent_at) * 1000


async def _queue(service: Ours, project: str) -> int:
    answer = await service.http.post(f"/projects/{project}/runs", json={"on_conflict": "queue"})
    assert answer.status_code == 202, answer.text
    run_id: int = answer.json()["id"]
    return run_id
