"""A scheduler over a real engine, with a clock that the test sets."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from solorun.cron import Cron
from solorun.project import Project
from solorun.run import Run
from solorun.schedule import Firing, Schedule
from solorun.triggers import Scheduler
from tests.fakes.clock import Clock
from tests.fakes.engine import Engine, declare, open_engine

START = "2026-11-02T12:00:00+00:00"
STEP = "extract"


def nightly(**changes: Any) -> Project:
    """A project that runs at 03:00 UTC."""
    schedule = Schedule("handbook", **{"cron": Cron("0 3 * * *"), **changes})
    return declare(steps=(STEP,), schedules=(schedule,), params=("date",))


@asynccontextmanager
async def scheduling(
    path: Path, *projects: Project, clock: Clock, **options: Any
) -> AsyncIterator[tuple[Engine, Scheduler]]:
    """An engine with a scheduler that has seen its schedules. It looks when the test calls it."""
    async with open_engine(path, *projects, now=clock, **options) as engine:
        scheduler = Scheduler(store=engine.store, manager=engine.manager, projects=engine.projects, now=clock)
        await scheduler.start_due_runs()
        yield engine, scheduler


async def complete(engine: Engine) -> Run:
    """End the next step, and return its run."""
    step = await engine.executor.step(STEP)
    step.end()
    return await engine.end_of(step.context.run_id)


async def firings(engine: Engine) -> list[Firing]:
    return await engine.store.list_firings(limit=100)
