"""Kills an engine that prunes: `python -m tests.faults.prune_loop` forks a child for each line of its input.

A child starts runs that log and leave files, and deletes all but the newest of each project, without a pause. Each
line of input is `DIRECTORY SECONDS`. The parent prints what the child acknowledged, as one JSON line.
"""

import asyncio
import json
import os
import random
import sys
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from solorun.artifacts import DirectoryArtifacts
from solorun.errors import SolorunError
from solorun.project import CoroutineStep, Keep, Project
from solorun.run import Run
from solorun.runs import Pruner
from solorun.settings import DataDirectory
from solorun.step import StepContext
from solorun.steps import StepDispatcher
from solorun.stores.sql import retention
from tests.fakes.engine import open_engine
from tests.faults.kill_loop import run_child

PROJECTS: Final = ("extract", "deploy", "nightly")
KEPT: Final = 2


async def leave_something(step: StepContext) -> None:
    """Logs in several segments, and writes files in two directories."""
    for number in range(random.randrange(1, 6)):
        await step.log(str(number))
        await asyncio.sleep(0.012)
    for name in ("one", "deep/two"):
        file = step.artifacts / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    if random.random() < 0.3:
        raise ValueError("a failed run is not the last completed one")


def declare(name: str) -> Project:
    step = CoroutineStep("work", "prune_loop:leave_something", leave_something)
    return Project(name, name, Path("/"), (step,), keep=Keep(runs=KEPT))


async def work(data_dir: Path, pipe: int) -> None:
    """Start runs and prune until killed."""
    random.seed()
    retention.MAX_SEGMENTS = 1  # type: ignore[misc] # most runs are deleted in several transactions
    projects = [declare(name) for name in PROJECTS]
    executor: Any = StepDispatcher(data_dir, {})
    async with AsyncExitStack() as stack:
        opening = open_engine(data_dir, *projects, owner=f"child {os.getpid()} {time.time_ns()}", executor=executor)
        engine = await stack.enter_async_context(opening)
        pruner = Pruner(
            store=engine.store,
            projects=engine.projects,
            artifacts=DirectoryArtifacts(DataDirectory(data_dir)),
            now=lambda: datetime.now(UTC),
            pause_ratio=0,
        )

        async def run_client(project: str) -> None:
            while True:
                try:
                    run = await engine.manager.start_run(project)
                except SolorunError:
                    await asyncio.sleep(0.001)
                    continue
                async for item in engine.tail.follow(run.id):
                    if isinstance(item, Run):
                        acknowledge("end", project, item.id, item.status.value)

        async def prune() -> None:
            while True:
                await pruner.prune()

        def acknowledge(*items: object) -> None:
            os.write(pipe, json.dumps(items).encode() + b"\n")

        acknowledge("up")
        await asyncio.gather(prune(), *map(run_client, PROJECTS))


def main() -> None:
    for line in sys.stdin:
        directory, seconds = line.split()
        print(json.dumps(run_child(partial(work, Path(directory)), float(seconds))), flush=True)


if __name__ == "__main__":
    main()
