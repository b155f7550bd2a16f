"""How soon a cancel reaches a step while another run has many readers, and how soon the service stops."""

import asyncio
import random
import signal
import statistics
import time
from pathlib import Path

from tests.benchmarks.load import StreamReader, close_streams, open_streams
from tests.benchmarks.measuring import Goal, Result, Scale, percentile
from tests.benchmarks.serving import Ours, ours

RATE = 1_000
CANCELS = 40
LONGEST_PAUSE_SECONDS = 0.1
"""The time between two flushes to 1,000 streams. Cancels arrive at a random moment within it."""


async def cancels(scale: Scale) -> list[Result]:
    """From the request to `CancelledError`: on an idle service, and beside a run that logs 1,000 lines/s."""
    few, many = scale.open_streams(100), scale.open_streams(1_000)
    number = CANCELS if scale.pairs > 1 else 2
    results: list[Result] = []
    async with ours() as service:
        idle = await _delays(service, number)
        for streams, slowest in ((few, 20), (many, 100)):
            noisy = await service.start("pace", count=10_000_000, rate=RATE)
            await service.running(noisy)
            readers = await open_streams(service.port, f"/api/v1/runs/{noisy}/events?tail=0", streams)
            busy = await _delays(service, number)
            await close_streams(readers)
            await service.cancel(noisy)
            idle += await _delays(service, number)
            name = f"cancel beside {streams:,} streams"
            usual, quiet = statistics.median(busy), statistics.median(idle)
            results += [
                Result(f"{name}, p50", "ms", Goal(at_most=1.5), ours=usual, limit=quiet, ratio=usual / quiet),
                Result(f"{name}, p95", "ms", Goal(at_most=slowest), ours=percentile(busy, 0.95)),
            ]
    return results


async def _delays(service: Ours, number: int) -> list[float]:
    """Milliseconds from sending a cancel to the `CancelledError` in the step."""
    delays, moment = [], random.Random(number)
    for _ in range(number):
        run_id = await service.start("hold")
        await service.logged(run_id, "holding")
        # This line was committed together with lines of the other run, which the streams are receiving right now.
        await asyncio.sleep(moment.uniform(0, LONGEST_PAUSE_SECONDS))
        sent_at = time.monotonic()
        await service.http.post(f"/runs/{run_id}/cancel")
        assert (await service.ended(run_id))["status"] == "cancelled"
        arrived_at = float((_workspace(service) / f"cancelled-{run_id}").read_text())
        delays.append((arrived_at - sent_at) * 1000)
    return delays


def _workspace(service: Ours) -> Path:
    (found,) = service.service.data_dir.glob("work*/hold")
    return found


async def shutdown(scale: Scale) -> list[Result]:
    """SIGTERM with 200 open streams: the time to exit, and the share of streams that get a final event."""
    streams = scale.open_streams(200)
    seconds, clean = [], []
    for _ in range(min(3, scale.pairs)):
        async with ours() as service:
            run_id = await service.start("hold")
            await service.running(run_id)
            readers = await open_streams(service.port, f"/api/v1/runs/{run_id}/events", streams)
            began = time.monotonic()
            service.service.signal(signal.SIGTERM)
            exit_code = await asyncio.to_thread(service.service.wait)
            seconds.append(time.monotonic() - began)
            assert exit_code == 0
            clean.append(await _count_clean(readers) / streams)
    name = f"SIGTERM with {streams} streams"
    return [
        Result(name, "s", Goal(at_most=1), ours=statistics.median(seconds)),
        Result(f"{name}, ended cleanly", "share", Goal(at_least=1), ours=min(clean)),
    ]


async def _count_clean(readers: list[StreamReader]) -> int:
    for reader in readers:
        await reader.until(lambda reader=reader: reader.lost)  # type: ignore[misc]
    return sum(b"event: shutdown" in reader.tail and reader.tail.endswith(b"\r\n0\r\n\r\n") for reader in readers)
