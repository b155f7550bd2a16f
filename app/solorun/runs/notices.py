"""Notices between processes about the runs that are followed: a run's records are in the database, these only say when
to look. They are sent apart from the records, at most one in 50 ms and process, and only while another process asks.
"""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import anyio

from solorun.errors import SolorunError
from solorun.execution import RunHandle, RunRegistry, TaskSet
from solorun.logs import Hub
from solorun.store import RunNotice, Subject, WorkerStore

PAUSE_SECONDS: Final = 0.05
REQUEST_SECONDS: Final = 15.0
"""How long a process is notified after it has asked for it."""


class Inbox:
    """Ids of runs, each once, until they are taken."""

    def __init__(self) -> None:
        self._ids: set[int] = set()
        self._some = asyncio.Event()

    def add(self, run_ids: Iterable[int]) -> None:
        self._ids.update(run_ids)
        if self._ids:
            self._some.set()

    async def take(self) -> set[int]:
        """Wait until there are some, and remove them."""
        await self._some.wait()
        self._some.clear()
        taken, self._ids = self._ids, set()
        return taken


@dataclass(kw_only=True, eq=False)
class RunNotices:
    """Asks for notices of other processes' runs, and sends those of ours. Every notice may be lost."""

    store: WorkerStore
    hub: Hub
    registry: RunRegistry
    tasks: TaskSet

    def __post_init__(self) -> None:
        self.changed = Inbox()
        """The runs of other processes that have changed."""
        self._ours = Inbox()
        self._requested_until: dict[int, float] = {}

    async def request(self, run_ids: Iterable[int]) -> None:
        """Ask the processes that execute these runs to notify this one, for REQUEST_SECONDS."""
        await self.store.notify(RunNotice(Subject.FOLLOWED, tuple(run_ids)))

    def receive(self, notice: RunNotice) -> None:
        """Take what another process has sent, or this one."""
        if notice.subject is Subject.CHANGED:
            foreign = (run_id for run_id in notice.run_ids if self.registry.find(run_id) is None)
            self.changed.add(run_id for run_id in foreign if self.hub.find(run_id) is not None)
            return
        until = asyncio.get_running_loop().time() + REQUEST_SECONDS
        for run_id in notice.run_ids:
            if (handle := self.registry.find(run_id)) is not None:
                if run_id not in self._requested_until:
                    self.tasks.spawn(self._watch(handle), name=f"notices of run {run_id}")
                self._requested_until[run_id] = until

    async def send_changes(self) -> None:
        """Notify the processes that have asked for it, for as long as this one runs."""
        while True:
            run_ids = await self._ours.take()
            with suppress(SolorunError):  # They look from time to time.
                await self.store.notify(RunNotice(Subject.CHANGED, tuple(run_ids)))
            await asyncio.sleep(PAUSE_SECONDS)

    async def _watch(self, handle: RunHandle) -> None:
        topic, loop = handle.topic, asyncio.get_running_loop()
        seq = 0  # The first notice is for what has changed before the request.
        try:
            while not topic.run.has_ended and (left := self._requested_until[handle.id] - loop.time()) > 0:
                with anyio.move_on_after(left):
                    await topic.wait_after(seq)
                    seq = topic.run.last_seq
                    self._ours.add((handle.id,))
        finally:
            del self._requested_until[handle.id]
