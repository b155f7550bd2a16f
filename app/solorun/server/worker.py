"""A worker: an engine that executes runs which services have started, until it has drained."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from solorun.component import running
from solorun.engine import Engine
from solorun.errors import SolorunError
from solorun.execution import RunRegistry
from solorun.projects import Catalog
from solorun.server.process import reload_on_hangup, run_process
from solorun.server.signals import Signals
from solorun.settings import Settings
from solorun.worker import Worker

Started = Callable[[Worker], None]


def run_worker(
    settings: Settings, catalog: Catalog, *, labels: tuple[str, ...], capacity: int, started: Started | None = None
) -> int:
    """Execute runs until SIGTERM or SIGINT, and return the exit code: 0 once all runs have ended.

    The first signal drains the worker, as `POST /workers/{id}/drain` does: it takes no new runs, and waits for those
    in progress, however long they take. A second one interrupts them within the shutdown limit, and a third exits
    immediately with 128 plus the signal's number. Raises DataDirectoryUnusable, DatabaseUnusable.
    """
    return run_process(work(settings, catalog, labels=labels, capacity=capacity, started=started))


async def work(
    settings: Settings,
    catalog: Catalog,
    *,
    labels: tuple[str, ...],
    capacity: int,
    started: Started | None = None,
    stop: asyncio.Event | None = None,
) -> int:
    """Like `run_worker`, in the running loop. `stop` interrupts the runs."""
    drain = asyncio.Event()
    signals = Signals(stop or asyncio.Event(), settings.shutdown_limit_seconds, drain=drain)
    reloading = asyncio.create_task(reload_on_hangup(signals.hangup, catalog))
    opening = Engine.open(
        settings,
        catalog,
        url=settings.public_url,
        owns_process=True,
        labels=labels,
        capacity=capacity,
        keeps_queue=False,
    )
    try:
        with signals.handled():
            async with opening as engine, running(engine.dispatcher):
                if started is not None:
                    started(engine.worker)
                await _wait_for_any(drain, engine.draining, signals.stop)
                engine.draining.set()
                with suppress(SolorunError):  # It only shows others what happens here.
                    await engine.store.request_drain(engine.worker.id)
                await _wait_until_idle(engine.registry, signals.stop)
                await engine.drain.interrupt(settings.shutdown_limit_seconds)
    finally:
        reloading.cancel()
    return 0


async def _wait_until_idle(registry: RunRegistry, stop: asyncio.Event) -> None:
    """Until every run has ended, or `stop` is set."""
    with registry.watch_releases() as released:
        while not stop.is_set():
            await registry.wait_for_starts()
            released.clear()
            if not len(registry):
                return
            await _wait_for_any(released, stop)


async def _wait_for_any(*events: asyncio.Event) -> None:
    waiting = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
