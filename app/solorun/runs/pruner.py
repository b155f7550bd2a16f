"""Deletes the ended runs that their projects no longer keep: a little at a time, with pauses for live work.

A run expires in one transaction: from then on, no query returns it. Later ones, each bounded, delete its segments and
then its row, and the last one records its id. Each service then deletes the files of the recorded runs from its
artifact store. A crash in between leaves work for the next pass, but nothing that readers notice.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar

import anyio

from solorun.artifacts.store import ArtifactStore
from solorun.component import Background, failures_logged
from solorun.project import Keep, Projects
from solorun.runs.expiry import find_expired
from solorun.store import DeletedRun, EndedRun, RetentionStore, Store
from solorun.wire.runs import PrunedProject, PruneReport

T = TypeVar("T")

FIRST_SECONDS: Final = 10.0
"""The delay of the first pass. It lets the service start queued runs first."""
INTERVAL_SECONDS: Final = 300.0
PAUSE_RATIO: Final = 9
"""The pause after each transaction, as a multiple of its duration. Other work gets 90 % of the database's time."""
MIN_PAUSE_SECONDS: Final = 0.01
REMEMBERED: Final = timedelta(days=30)
"""How long a deleted run is remembered. A service that was down for longer keeps the run's files."""
_OVERLAP: Final = timedelta(minutes=15)
"""Each pass also repeats deletions from this long before the last one, because the clocks of services differ."""
_PAGE_RUNS: Final = 1_000
_EXPIRED_PER_WRITE: Final = 100
_MEASURED_RUNS: Final = 200
_SETTLED: Final = timedelta(hours=1)
"""By then, the segments of an ended run have been joined, which changes the size of its log."""

_logger = logging.getLogger("solorun.runs")


@dataclass(kw_only=True, eq=False)
class Pruner(Background):
    """A Component. With several services on one database, each deletes the files in its own data directory.

    A run expires in one transaction, which hides it from every reader. Its log, its row and its files are deleted
    after that, in this order. If a crash leaves any of them, the next pass of any service deletes them.
    """

    task_name = "pruner"

    store: Store
    projects: Projects
    artifacts: ArtifactStore
    now: Callable[[], datetime]
    first_seconds: float = FIRST_SECONDS
    interval_seconds: float = INTERVAL_SECONDS
    pause_ratio: float = PAUSE_RATIO

    def __post_init__(self) -> None:
        self._sizes = RunSizes(self.store, self.artifacts, self.now)
        self._requested: set[str | None] = set()
        self._wake = asyncio.Event()
        self._last_pass_at: datetime | None = None

    async def plan(self, project: str | None = None, *, dry_run: bool = True) -> PruneReport:
        """What a pass over one project or all would delete now. Raises ProjectNotFound, StoreUnavailable."""
        await self.projects.refresh()
        pruned: list[PrunedProject] = []
        for name, keep in await self._list_limited(project):
            expired = await self._find_expired(name, keep)
            if expired:
                sizes = await self._sizes.measure(expired)
                pruned.append(PrunedProject(name, len(expired), sum(sizes.values())))
        return PruneReport(
            dry_run=dry_run,
            runs=sum(each.runs for each in pruned),
            size_bytes=sum(each.size_bytes for each in pruned),
            projects=tuple(pruned),
        )

    def request(self, project: str | None = None) -> None:
        """Begin a pass over one project or all, after the one in progress."""
        self._requested.add(project)
        self._wake.set()

    async def prune(self, project: str | None = None) -> None:
        """Make one pass. Raises StoreUnavailable."""
        began = self.now()
        await self.projects.refresh()
        await self._remove_files_of_deleted_runs()
        await self._delete_expired()
        await self._reclaim_space()
        for name, keep in await self._list_limited(project):
            if expired := await self._find_expired(name, keep):
                await self._delete(name, [run.id for run in expired])
                await self._reclaim_space()
        self._last_pass_at = began

    async def _run(self) -> None:
        seconds = self.first_seconds
        while True:
            with anyio.move_on_after(seconds):
                await self._wake.wait()
            self._wake.clear()
            requested, self._requested = self._requested or {None}, set()
            with failures_logged(_logger, f"Old runs cannot be deleted; retrying in {self.interval_seconds:g} s"):
                for project in [None] if None in requested else sorted(filter(None, requested)):
                    await self.prune(project)
            seconds = self.interval_seconds

    async def _list_limited(self, project: str | None) -> list[tuple[str, Keep]]:
        """The projects that do not keep all runs. The runs of a project that is no longer declared are kept."""
        if project is not None:
            names = [self.projects.get_project(project).name]
        else:
            names = await self.store.list_project_names()
        declared = [found for name in names if (found := self.projects.find_project(name)) is not None]
        return [(each.name, each.keep) for each in declared if each.keep.is_limited]

    async def _find_expired(self, project: str, keep: Keep) -> list[EndedRun]:
        """The expired runs of a project, oldest first. Only these are held in memory, unless the project limits the
        size of its history.
        """
        expired: list[EndedRun] = []
        ended: list[EndedRun] = []
        newer, has_newer_completed, last_id = 0, False, None
        while page := await self.store.list_ended_runs(project, before_id=last_id, limit=_PAGE_RUNS):
            if keep.size_bytes is None:
                found = find_expired(keep, page, self.now(), newer=newer, has_newer_completed=has_newer_completed)
                expired[:0] = found
            else:
                ended += page
            newer, last_id = newer + len(page), page[-1].id
            has_newer_completed = has_newer_completed or any(run.is_completed for run in page)
        if not ended:
            return expired
        sizes = await self._sizes.measure(ended)
        # In a thread, because a project may have a hundred thousand runs.
        return await asyncio.to_thread(find_expired, keep, ended, self.now(), sizes=sizes)

    async def _delete(self, project: str, run_ids: Sequence[int]) -> None:
        count = 0
        for start in range(0, len(run_ids), _EXPIRED_PER_WRITE):
            page = run_ids[start : start + _EXPIRED_PER_WRITE]
            count += len(await self._pausing(self.store.expire_runs(page, at=self.now())))
            self._sizes.forget(page)
            await self._delete_expired()
        if count:
            _logger.info("Deleted old runs of %s: %d", project, count)

    async def _delete_expired(self) -> None:
        """Delete what expired runs occupy, including those that an earlier pass or another service left."""
        more = True
        while more:
            deletion = await self._pausing(self.store.delete_expired(at=self.now()))
            await self.artifacts.remove(deletion.run_ids)
            more = deletion.more

    async def _remove_files_of_deleted_runs(self) -> None:
        """Delete the files of runs that another service deleted, or this one before a crash."""
        since = self._last_pass_at
        after = None if since is None else DeletedRun(since - _OVERLAP, 0)
        while deleted := await self.store.list_deleted_runs(after=after, limit=_PAGE_RUNS):
            await self.artifacts.remove([run.id for run in deleted])
            after = deleted[-1]
        await self.store.forget_deleted_runs(before=self.now() - REMEMBERED)

    async def _reclaim_space(self) -> None:
        while await self._pausing(self.store.reclaim_space()):
            pass

    async def _pausing(self, write: Awaitable[T]) -> T:
        """Await the write, then pause so that others can use the database."""
        began = time.monotonic()
        result = await write
        await asyncio.sleep(max(MIN_PAUSE_SECONDS, self.pause_ratio * (time.monotonic() - began)))
        return result


class RunSizes:
    """What ended runs occupy: their stored logs, and their artifacts. Remembers it if they ended a while ago."""

    def __init__(self, store: RetentionStore, artifacts: ArtifactStore, now: Callable[[], datetime]) -> None:
        self._store = store
        self._artifacts = artifacts
        self._now = now
        self._known: dict[int, int] = {}

    async def measure(self, runs: Sequence[EndedRun]) -> dict[int, int]:
        """The bytes that each run occupies. Reads in short transactions. Raises StoreUnavailable."""
        sizes = {run.id: self._known[run.id] for run in runs if run.id in self._known}
        unknown = [run for run in runs if run.id not in sizes]
        for start in range(0, len(unknown), _MEASURED_RUNS):
            page = unknown[start : start + _MEASURED_RUNS]
            ids = [run.id for run in page]
            logs = await self._store.measure_logs(ids)
            files = await self._artifacts.measure(ids)
            for run in page:
                sizes[run.id] = logs[run.id] + files.get(run.id, 0)
                if self._now() - run.finished_at > _SETTLED:
                    self._known[run.id] = sizes[run.id]
        return sizes

    def forget(self, run_ids: Collection[int]) -> None:
        for run_id in run_ids:
            self._known.pop(run_id, None)
