"""Opens, stops and crashes an engine from the synchronous rules of a state machine."""

import asyncio
import shutil
import tempfile
from collections import Counter
from collections.abc import Awaitable
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from hypothesis.stateful import RuleBasedStateMachine

from solorun.logs import WriterLimits
from solorun.project import Project
from tests.fakes.engine import EngineLimits, system_now
from tests.fakes.postgres import fresh_schema
from tests.faults.trial import Trial

T = TypeVar("T")

step_counts = Counter[str]()  # of all machines, for the table: all steps, and those after a clock jump
_SHORT_DELAY_SECONDS = 0.001
SHORT_DELAYS = EngineLimits(
    writer=WriterLimits(
        min_pause_seconds=_SHORT_DELAY_SECONDS,
        max_pause_seconds=_SHORT_DELAY_SECONDS,
        min_retry_seconds=_SHORT_DELAY_SECONDS,
        max_retry_seconds=_SHORT_DELAY_SECONDS,
    ),
    reaper_retry_seconds=_SHORT_DELAY_SECONDS,
    compaction_pause_seconds=_SHORT_DELAY_SECONDS,
    poll_seconds=_SHORT_DELAY_SECONDS,
)
"""Delays of a millisecond, since timing is not tested here."""


class EngineMachine(RuleBasedStateMachine):
    """An event loop, and a trial whose clock can jump. With a `server_url`, its runs are in PostgreSQL."""

    server_url: str | None = None

    def __init__(self, projects: tuple[Project, ...]) -> None:
        super().__init__()
        memory = Path("/dev/shm")
        self.directory = Path(tempfile.mkdtemp(prefix="solorun-", dir=memory if memory.is_dir() else None))
        self.loop = asyncio.new_event_loop()
        self.offset = timedelta()
        self._databases = ExitStack()
        url = self._databases.enter_context(fresh_schema(self.server_url)) if self.server_url else None
        self.trial = Trial(self.directory, projects=projects, now=self._now, limits=SHORT_DELAYS, url=url)
        self._task: asyncio.Task[None] | None = None

    def teardown(self) -> None:
        if self._task is not None:
            self._crash()
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()
        shutil.rmtree(self.directory)
        self._databases.close()

    def _now(self) -> datetime:
        return system_now() + self.offset

    def _do(self, awaitable: Awaitable[T]) -> T:
        step_counts["steps"] += 1
        step_counts["after a jump"] += bool(self.offset)

        async def in_time() -> T:
            async with asyncio.timeout(60):
                return await awaitable

        return self.loop.run_until_complete(in_time())

    def _open(self) -> None:
        opened = asyncio.Event()
        self._closing = asyncio.Event()

        async def keep_open() -> None:
            async with self.trial.engine(drain=False) as self.engine:
                opened.set()
                await self._closing.wait()

        self._task = self.loop.create_task(keep_open())
        self._do(opened.wait())

    def _stop(self) -> None:
        assert self._task is not None
        self._closing.set()
        self._do(self._task)
        self._task = None

    def _crash(self) -> None:
        assert self._task is not None
        task, self._task = self._task, None
        self.engine.faults.die()
        task.cancel()
        self._do(asyncio.wait([task]))
