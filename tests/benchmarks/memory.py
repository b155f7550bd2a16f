"""The memory of streams and readers, of the idle service, and whether it grows under load."""

import asyncio
import re
import statistics
import subprocess
import time

from tests.benchmarks.delivery import stall
from tests.benchmarks.load import close_streams, make_request, open_streams
from tests.benchmarks.measuring import Goal, Result, Scale, resident_bytes
from tests.benchmarks.records import flood
from tests.benchmarks.serving import Ours, ours

_KERNEL_MEMORY = re.compile(r"skmem:\(r(\d+),rb\d+,t(\d+),tb\d+,f(\d+),w(\d+)")
_MIB = 1024 * 1024


async def at_rest(scale: Scale) -> list[Result]:
    """The time from a cold start to the first 200, and the memory of an idle service."""
    seconds, resident = [], []
    for _ in range(scale.pairs):
        async with ours() as service:
            service.service.stop()
            began = time.monotonic()
            starting = asyncio.create_task(asyncio.to_thread(service.service.start))
            await _first_answer(service.port)
            seconds.append(time.monotonic() - began)
            await starting
            resident.append(resident_bytes(service.pid) / _MIB)
    return [
        Result("cold start to the first 200", "s", Goal(at_most=0.7), ours=statistics.median(seconds)),
        Result("resident memory at rest", "MiB", Goal(at_most=60), ours=statistics.median(resident)),
    ]


async def _first_answer(port: int) -> None:
    """Poll until the service answers, with requests that take little CPU time from its start."""
    request = make_request("GET", "/livez", port)
    while True:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except ConnectionRefusedError:
            await asyncio.sleep(0.005)
            continue
        writer.write(request)
        assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
        writer.close()
        return


async def streams(scale: Scale) -> list[Result]:
    """User and kernel memory of each open stream, and of each stalled reader of a flood."""
    idle, stalled = scale.open_streams(500), scale.open_streams(50)
    async with ours() as service:
        run_id = await service.start("hold")
        await service.running(run_id)
        await close_streams(await open_streams(service.port, f"/api/v1/runs/{run_id}/events", idle // 2))
        await asyncio.sleep(0.2)
        before = _memory(service)
        readers = await open_streams(service.port, f"/api/v1/runs/{run_id}/events", idle)
        per_stream = (_memory(service) - before) / idle / 1024
        await close_streams(readers)
        await service.cancel(run_id)

        number = scale.lines(100_000)
        await flood(service, number)
        gate = service.new_gate()
        run_id = await service.start("flood", count=number, gate=gate)
        await service.running(run_id)
        readers = await stall(service, run_id, stalled)
        before = _memory(service)
        gate.touch()
        await service.ended(run_id)
        per_reader = (_memory(service) - before) / stalled / _MIB
        await close_streams(readers)
    return [
        Result("memory per open stream", "KiB", Goal(at_most=32), ours=per_stream),
        Result("memory per stalled reader", "MiB", Goal(at_most=1), ours=per_reader),
    ]


async def soak(scale: Scale) -> list[Result]:
    """Runs, floods, followers that leave early, refusals: memory in the last third against the second third."""
    samples: list[tuple[float, int]] = []
    rounds = 0
    async with ours() as service:
        held = await service.start("hold")
        began = time.monotonic()
        while time.monotonic() - began < scale.soak_seconds:
            await _work(service, scale, held)
            rounds += 1
            samples.append((time.monotonic() - began, resident_bytes(service.pid)))
        counted = (await service.http.get("/projects/flood")).json()["last_run"]
        assert counted["status"] == "completed"
    end = samples[-1][0]
    middle = [size for at, size in samples if end / 3 <= at < 2 * end / 3] or [samples[-1][1]]
    last = [size for at, size in samples if at >= 2 * end / 3]
    ours_mib, then_mib = statistics.median(last) / _MIB, statistics.median(middle) / _MIB
    name = f"memory, {end:,.0f} s of work ({rounds} rounds)"
    return [Result(name, "MiB", Goal(at_most=1.05), ours=ours_mib, limit=then_mib, ratio=ours_mib / then_mib)]


async def _work(service: Ours, scale: Scale, held: int) -> None:
    """One round of all that takes memory."""
    gate = service.new_gate()
    run_id = await service.start("flood", count=scale.lines(20_000), gate=gate)
    await service.running(run_id)
    readers = await stall(service, run_id, scale.open_streams(20))
    gate.touch()
    await service.ended(run_id)
    await close_streams(readers)
    await close_streams(await open_streams(service.port, f"/api/v1/runs/{held}/events", scale.open_streams(50)))
    for _ in range(5):
        await service.ended(await service.start("nothing"))
        refused = await service.http.post("/projects/hold/runs", json={})
        assert refused.status_code == 409
        assert (await service.http.get(f"/runs/{run_id}/log", params={"q": "photon"})).status_code == 200
        assert (await service.http.get("/runs", params={"limit": 100})).status_code == 200


def _memory(service: Ours) -> int:
    """The resident memory of the service and the kernel memory of its sockets."""
    listed = subprocess.run(
        ["ss", "-tmHO", "state", "established", "sport", "=", f":{service.port}"],
        capture_output=True,
        text=True,
        check=True,
    )
    kernel = sum(int(part) for found in _KERNEL_MEMORY.finditer(listed.stdout) for part in found.groups())
    return resident_bytes(service.pid) + kernel
