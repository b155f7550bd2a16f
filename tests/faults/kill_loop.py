"""Kills an engine repeatedly: `python -m tests.faults.kill_loop` forks a child for each line of its input.

A child forked from this process is working within milliseconds. It opens an engine on its directory, which recovers the
runs the last child left, starts runs, follows them, and writes what a client would receive to a pipe. The parent kills
it after the given number of seconds, or it kills itself at the given kill point. The parent then prints what the child
wrote, as one JSON line.

Each line of input is `DIRECTORY SECONDS` or `DIRECTORY POINT COUNT`.
"""

import asyncio
import json
import os
import random
import select
import signal
import sys
import time
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from solorun.errors import SolorunError
from solorun.project import CoroutineStep, Project
from solorun.queueing import ConflictPolicy
from solorun.retries import Retries
from solorun.run import Run
from solorun.step import StepContext
from solorun.steps import StepDispatcher
from tests.fakes.engine import open_engine
from tests.fakes.stores import noting_connections
from tests.faults.kill_points import KillAt, KillPointStore
from tests.faults.parent_death import end_with_parent
from tests.faults.target import TARGET

PROJECTS = ("extract", "deploy", "nightly")
RESOURCES = {"gpu": 1}
RETRIES = Retries(3, delay_seconds=0.004, max_delay_seconds=0.016)
NEEDS_GPU = ("extract", "deploy")
CLIENTS_PER_PROJECT = 2
CHILD_LIMIT_SECONDS = 60.0
POINT_SECONDS = 0.3
"""The time a child has to reach its kill point once it is up. After that it is killed wherever it is."""


async def talk(step: StepContext) -> None:
    """Logs a counter for a few milliseconds. Fails now and then, and is tried again."""
    for number in range(random.randrange(1, 200)):
        await step.log(str(number))
        await asyncio.sleep(random.choice((0, 0, 0, 0, 0, 0, 0.001)))
    await step.progress(1, 1)
    if random.random() < 0.3:
        raise RuntimeError("no luck")


class Child:
    """One engine, its clients, and the pipe to which they write what they received."""

    def __init__(self, data_dir: Path, pipe: int, kill_at: KillAt | None) -> None:
        self._data_dir = data_dir
        self._pipe = pipe
        self._kill_at = kill_at
        self._readers = count(1)

    async def run(self) -> None:
        random.seed()
        projects = [self._declare(name) for name in PROJECTS]
        executor: Any = StepDispatcher(self._data_dir, {})
        owner = f"child {os.getpid()} {time.time_ns()}"
        async with AsyncExitStack() as stack:
            with noting_connections() as connections:
                wrap = None if self._kill_at is None else KillPointStore(self._kill_at, connections).wrap
                opening = open_engine(
                    self._data_dir, *projects, resources=RESOURCES, owner=owner, executor=executor, wrap=wrap
                )
                self._engine = await stack.enter_async_context(opening)
            self._acknowledge("up")
            await asyncio.gather(*(self._run_client(name) for name in PROJECTS * CLIENTS_PER_PROJECT))

    def _declare(self, name: str) -> Project:
        step = CoroutineStep("talk", "kill_loop:talk", talk, retries=RETRIES)
        needs = RESOURCES if name in NEEDS_GPU else {}
        return Project(name, name, Path("/"), (step,), resources=needs, notify=(TARGET,))

    async def _run_client(self, project: str) -> None:
        """A client that starts one run after another, with any conflict policy, follows them, and cancels some."""
        manager = self._engine.manager
        while True:
            try:
                submission = await manager.submit_run(project, on_conflict=random.choice(list(ConflictPolicy)))
            except SolorunError as error:
                self._acknowledge("refused", project, str(error))
                await asyncio.sleep(0.001)
                continue
            run = submission.run
            self._acknowledge("joined" if submission.joined else "started", project, run.id)
            following = asyncio.create_task(self._follow(run.id))
            if random.random() < 0.3:
                await asyncio.sleep(random.random() * 0.01)
                try:
                    await manager.cancel_run(run.id)
                    self._acknowledge("cancelled", run.id)
                except SolorunError:
                    pass
            await following

    async def _follow(self, run_id: int) -> None:
        reader = next(self._readers)
        async for item in self._engine.tail.follow(run_id):
            if isinstance(item, Run):
                self._acknowledge("end", run_id, item.status.value, item.last_seq, item.error_message)
            else:
                self._acknowledge("seen", reader, run_id, item.first_seq, item.payload.decode())

    def _acknowledge(self, *items: object) -> None:
        # What is in the pipe survives the kill, as an answer that a client has received does.
        os.write(self._pipe, json.dumps(items).encode() + b"\n")


def run_child(work: Callable[[int], Coroutine[Any, Any, None]], seconds: float) -> list[Any]:
    """Fork a child that does `work` with a pipe, and kill it `seconds` after it is up; returns what it acknowledged."""
    reading, writing = os.pipe()
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        try:
            end_with_parent(parent)
            asyncio.run(work(writing))
        except BaseException as error:
            os.write(writing, json.dumps(["died", repr(error)]).encode() + b"\n")
        os._exit(1)
    os.close(writing)
    received = b""
    up_at: float | None = None
    deadline = time.monotonic() + CHILD_LIMIT_SECONDS
    while time.monotonic() < deadline:
        if up_at is None and b'["up"]' in received:
            up_at = time.monotonic()
        if up_at is not None and time.monotonic() >= up_at + seconds:
            break
        if select.select([reading], [], [], 0.001)[0]:
            chunk = os.read(reading, 1 << 20)
            if not chunk:
                break
            received += chunk
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    while chunk := os.read(reading, 1 << 20):
        received += chunk
    os.close(reading)
    # An incomplete line was not acknowledged.
    return [json.loads(line) for line in received.split(b"\n")[:-1]]


async def _work(data_dir: Path, kill_at: KillAt | None, pipe: int) -> None:
    await Child(data_dir, pipe, kill_at).run()


def main() -> None:
    for line in sys.stdin:
        directory, first, *at = line.split()
        kill_at = KillAt(first, int(at[0])) if at else None
        work = partial(_work, Path(directory), kill_at)
        received = run_child(work, POINT_SECONDS if kill_at else float(first))
        print(json.dumps(received), flush=True)


if __name__ == "__main__":
    main()
