"""What other clients cost one client: 500 stalled readers, or 500 connections that send nothing."""

import asyncio
import time

from tests.benchmarks.delivery import listen, stall
from tests.benchmarks.load import close_streams
from tests.benchmarks.measuring import Goal, Result, Scale, compare, cpu_seconds, percentile
from tests.benchmarks.records import flood
from tests.benchmarks.serving import Ours, ours

REQUESTS = 200
_MILLISECONDS = 1000


async def crowds(scale: Scale) -> list[Result]:
    """The p99 of one client beside the others, minus its p99 without them."""
    others = scale.open_streams(500)
    async with ours() as service:

        async def delay() -> float:
            return await _delivery_p99(service, lines=20 if scale.pairs > 1 else 2)

        async def delay_beside() -> float:
            run = await flood(service, scale.lines(100_000))
            readers = await stall(service, run["id"], others)
            try:
                await _until_at_rest(service)
                return await delay()
            finally:
                await close_streams(readers)

        async def answer() -> float:
            return await _request_p99(service)

        async def answer_beside() -> float:
            opening = [asyncio.open_connection("127.0.0.1", service.port) for _ in range(others)]
            writers = [writer for _, writer in await asyncio.gather(*opening)]
            try:
                return await answer()
            finally:
                for writer in writers:
                    writer.close()

        name = f"delivery beside {others} stalled readers, p99, overhead"
        delivered = await compare(name, "ms", None, delay_beside, delay, scale=scale)
        name = f"/livez beside {others} idle connections, p99, overhead"
        answered = await compare(name, "ms", None, answer_beside, answer, scale=scale)
    return [_overhead(delivered, at_most=250), _overhead(answered, at_most=500)]


def _overhead(result: Result, *, at_most: float) -> Result:
    return Result(result.name, "ms", Goal(at_most=at_most), ours=result.ours - (result.limit or 0.0))


async def _until_at_rest(service: Ours) -> None:
    """Wait until the service has filled the buffers of its stalled readers."""
    used = -1.0
    while used != (now_used := cpu_seconds(service.pid)):
        used = now_used
        await asyncio.sleep(0.2)


async def _delivery_p99(service: Ours, lines: int) -> float:
    """The milliseconds that the lines of a run take to one reader."""
    gate = service.new_gate()
    run_id = await service.start("clock", count=lines, gate=gate)
    await service.running(run_id)
    [(reader, delays)] = await listen(service.port, f"/api/v1/runs/{run_id}/events", 1)
    gate.touch()
    await reader.until(lambda: len(delays) >= lines)
    await close_streams([reader])
    await service.ended(run_id)
    return percentile(delays, 0.99)


async def _request_p99(service: Ours) -> float:
    """The milliseconds that requests of one connection take, one after another."""
    taken = []
    for _ in range(REQUESTS):
        began = time.perf_counter()
        answer = await service.http.get(f"{service.service.url}/livez")
        taken.append((time.perf_counter() - began) * _MILLISECONDS)
        assert answer.status_code == 200
    return percentile(taken, 0.99)
