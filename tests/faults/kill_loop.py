"""A program that is killed over and over: `python -m tests.faults.kill_loop` forks a child for each line of its input.

Forked from a warm parent, a child is at work within milliseconds: it opens an engine on its directory (which settles
what the last child there left), starts runs whose steps talk, follows them, and acknowledges on a pipe what a client
would have been told. The parent kills it after the given number of seconds, or it kills itself at the labelled point
that the line names, and passes the acknowledgements on: one JSON line for each child.

Input, a line for each child: `DIRECTORY SECONDS` or `DIRECTORY POINT COUNT`.
"""

import asyncio
import json
import os
import random
import select
import signal
import sys
import time
from pathlib import Path
from typing import Any

from solorun.errors import SolorunError
from solorun.project import CoroutineStep, Project
from solorun.run import Run
from solorun.step import StepContext
from solorun.steps import StepDispatcher
from tests.fakes.engine import open_engine
from tests.faults.kill_points import KillAt, LabelledStore
from tests.faults.parent_death import end_with_parent

PROJECTS = ("extract", "deploy", "nightly")
CHILD_LIMIT_SECONDS = 20.0
POINT_SECONDS = 0.3
"""So long a child has, once it is up, to come to its point; then it is killed where it stands."""


async def talk(step: StepContext) -> None:
    """Work of a few milliseconds, that says a counter."""
    for number in range(random.randrange(1, 200)):
        await step.log(str(number))
        await asyncio.sleep(random.choice((0, 0, 0, 0, 0, 0, 0.001)))
    await step.progress(1, 1)


class Child:
    """One engine, its clients, and the pipe on which they say what they were told."""

    def __init__(self, data_dir: Path, pipe: int, kill_at: KillAt | None) -> None:
        self._data_dir = data_dir
        self._pipe = pipe
        self._kill_at = kill_at

    async def live(self) -> None:
        random.seed()
        projects = [self._declare(name) for name in PROJECTS]
        executor: Any = StepDispatcher(self._data_dir, {})
        owner = f"child {os.getpid()} {time.time_ns()}"
        wrap = None if self._kill_at is None else LabelledStore(self._kill_at).wrap
        async with open_engine(self._data_dir, *projects, owner=owner, executor=executor, wrap=wrap) as engine:
            self._say("up")
            self._engine = engine
            await asyncio.gather(*(self._use(name) for name in PROJECTS))

    def _declare(self, name: str) -> Project:
        step = CoroutineStep("talk", "kill_loop:talk", talk)
        return Project(name, name, Path("/"), (step,))

    async def _use(self, project: str) -> None:
        """A client that starts, follows, and sometimes cancels, one run after another."""
        manager = self._engine.manager
        while True:
            try:
                run = await manager.start_run(project)
            except SolorunError as error:
                self._say("refused", project, str(error))
                continue
            self._say("started", project, run.id)
            following = asyncio.create_task(self._follow(run.id))
            if random.random() < 0.3:
                await asyncio.sleep(random.random() * 0.01)
                try:
                    await manager.cancel_run(run.id)
                    self._say("cancelled", run.id)
                except SolorunError:
                    pass
            await following

    async def _follow(self, run_id: int) -> None:
        async for item in self._engine.tail.follow(run_id):
            if isinstance(item, Run):
                self._say("end", run_id, item.status.value, item.last_seq, item.error_message)
            else:
                self._say("seen", run_id, item.first_seq, item.payload.decode())

    def _say(self, *words: object) -> None:
        # Written to a pipe it is out of our hands: a client has it.
        os.write(self._pipe, json.dumps(words).encode() + b"\n")


def run_child(data_dir: Path, seconds: float, kill_at: KillAt | None) -> list[Any]:
    """What a child acknowledged before it was killed."""
    reading, writing = os.pipe()
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        try:
            end_with_parent(parent)
            asyncio.run(Child(data_dir, writing, kill_at).live())
        except BaseException as error:
            os.write(writing, json.dumps(["died", repr(error)]).encode() + b"\n")
        os._exit(1)
    os.close(writing)
    said = b""
    up_at: float | None = None
    deadline = time.monotonic() + CHILD_LIMIT_SECONDS
    while time.monotonic() < deadline:
        if up_at is None and b'["up"]' in said:
            up_at = time.monotonic()
        if up_at is not None and time.monotonic() >= up_at + seconds:
            break
        if select.select([reading], [], [], 0.001)[0]:
            chunk = os.read(reading, 1 << 20)
            if not chunk:
                break
            said += chunk
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    while chunk := os.read(reading, 1 << 20):
        said += chunk
    os.close(reading)
    # A line that was cut was not acknowledged: nobody could read it.
    return [json.loads(line) for line in said.split(b"\n")[:-1]]


def main() -> None:
    for line in sys.stdin:
        directory, first, *count = line.split()
        kill_at = KillAt(first, int(count[0])) if count else None
        said = run_child(Path(directory), POINT_SECONDS if kill_at else float(first), kill_at)
        print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main()
