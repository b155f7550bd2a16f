"""What an idle service costs. It should sleep."""

import asyncio

from tests.benchmarks.load import close_streams, open_streams
from tests.benchmarks.measuring import Goal, Result, Scale, Stopwatch, voluntary_switches
from tests.benchmarks.serving import Ours, command_project, ours

SETTLING_SECONDS = 12.0
"""The write-ahead log is truncated once, some seconds after the last write, and the first upkeep comes after ten."""


async def idle(scale: Scale) -> list[Result]:
    """100 open streams of a silent run: of a command, and of a coroutine (which has a watchdog)."""
    streams = scale.open_streams(100)
    async with ours(command_project("quiet", "sleep 1000")) as service:
        results: list[Result] = []
        for project, kind, goal in (("quiet", "command", Goal(at_most=5)), ("hold", "coroutine", None)):
            run_id = await service.start(project)
            await service.running(run_id)
            readers = await open_streams(service.port, f"/api/v1/runs/{run_id}/events", streams)
            await asyncio.sleep(SETTLING_SECONDS if scale.pairs > 1 else 0)
            wakes, share = await _watch(service, scale.seconds * 5)
            results.append(Result(f"idle, {streams} streams of a {kind}", "wake-ups/s", goal, ours=wakes))
            results.append(Result(f"idle, {streams} streams of a {kind}, processor", "% of a core", None, ours=share))
            await close_streams(readers)
            await service.cancel(run_id)
        return results


async def _watch(service: Ours, seconds: float) -> tuple[float, float]:
    """Wake-ups per second, and the share of a core in per cent."""
    watch, before = Stopwatch(service.pid), voluntary_switches(service.pid)
    await asyncio.sleep(seconds)
    return (voluntary_switches(service.pid) - before) / watch.wall, 100 * watch.used / watch.wall
