"""The contract of the store: run records and their logs, durable.

Every write is committed with full durability when its call returns, and is one statement or one transaction, so that a
cancelled caller leaves nothing half done (the outcome of a cancelled write is unknown to its caller: it may have been
committed). Every move of a run's status is one conditional UPDATE. Faults of the disk or of the lock are raised as
StoreUnavailable, damage as StoreCorrupted, every other driver error as StoreFailure; no driver error leaves a store.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from solorun.outcome import Outcome
from solorun.record import Event, Level, LogPage
from solorun.run import Run, RunStep
from solorun.segment import Segment
from solorun.status import Status, UpdateResult


@dataclass(frozen=True, slots=True)
class NewRun:
    """A run to be inserted as `pending`; `steps` are the names of those in scope, in order."""

    project: str
    scope: str
    triggered_by: str
    params: dict[str, str]
    created_at: datetime
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FinalState:
    """The last entry of a run's log: how it ended, and when."""

    outcome: Outcome
    finished_at: datetime


@dataclass(frozen=True, slots=True)
class Batch:
    """What one run has to write: some records, what they change in the run, and perhaps its ending.

    `run` is the run as it is after these records: its `current_step`, `progress_*`, `last_seq`, `level_counts` and
    `first_error_seq` are written, nothing else of it; where the row is `pending` and this run is `running`, that move
    too, with its `started_at`. `steps` are the step rows that changed. `segment` is None when there are no records.
    With an `ending` the run's status becomes the outcome's, also from `pending` where that is drawn, `current_step`
    None, and the step rows are as given in `steps`.
    """

    run: Run
    segment: Segment | None
    steps: tuple[RunStep, ...] = ()
    ending: FinalState | None = None


@dataclass(frozen=True, slots=True)
class LogQuery:
    """A page of a run's log.

    `after` and `before` are exclusive bounds; with neither the page is the last one; with `after` it begins there;
    with `before` alone it ends there. `level` means at least. `text` is a case-insensitive substring of the message.
    `events`: only records that tell one of these; empty lets every record through, whatever it tells.
    """

    after: int | None = None
    before: int | None = None
    limit: int = 1000
    step: str | None = None
    level: Level | None = None
    text: str | None = None
    events: frozenset[Event] = frozenset()


@dataclass(frozen=True, slots=True)
class Finding:
    """Something in the database that must not be so. `repair` says what a repair does, None when there is none."""

    run_id: int | None
    message: str
    repair: str | None


MAX_PAGE_RECORDS: Final = 4_000
"""What of a log is read at a time by who takes it as fast as it comes."""


class RunStore(Protocol):
    """Runs, their steps and their logs."""

    # -- writes, in the order of a run's life

    async def insert_run(self, new: NewRun, *, owner: str) -> Run:
        """Insert a pending run; ids only ever rise.

        Raises RunActive, with the run, when the project has an active one: the unique index decides. (If that run
        ended before it could be read, the insert is tried again.)
        """
        ...

    async def request_cancel(
        self, run_id: int, *, requested_by: str, reason: str, at: datetime
    ) -> tuple[UpdateResult, Run]:
        """Note on an active run that a cancel was asked for. A second request keeps the first one's words (UPDATED).

        Answers the run as it now is. Raises RunNotFound.
        """
        ...

    async def commit(self, batches: Sequence[Batch], *, owner: str) -> list[UpdateResult]:
        """Write the batches of several runs in ONE transaction: all or none.

        Per batch: UPDATED, or what stood against it (the run is not there; it is not active or not the owner's), in
        which case nothing of that batch is written. The same batch again is UPDATED and changes nothing: segments are
        inserted with ON CONFLICT DO NOTHING, and an ending that the row already holds with our owner is a success.
        """
        ...

    async def finalize_run(
        self, run_id: int, *, owner: str | None, expected: Collection[Status], ending: FinalState
    ) -> UpdateResult:
        """End a run that has no task: one that could not be started, or one of an owner that is gone.

        `owner` None means whoever it is. Step rows: running ones take the ending's status, pending ones `skipped`.
        """
        ...

    # -- reads

    async def get_run(self, run_id: int) -> Run:
        """Raises RunNotFound."""
        ...

    async def find_active_run(self, project: str) -> Run | None: ...

    async def find_latest_run(self, project: str) -> Run | None: ...

    async def list_runs(
        self,
        *,
        project: str | None = None,
        statuses: Collection[Status] = (),
        before_id: int | None = None,
        limit: int = 50,
    ) -> list[Run]:
        """Runs with smaller ids than `before_id`, newest first; without statuses those of any."""
        ...

    async def list_latest_runs(self) -> list[Run]:
        """The newest run of every project that has one, by project name. Its cost grows with projects, not runs."""
        ...

    async def list_orphaned_runs(self, owner: str) -> list[Run]:
        """The active runs of any other owner than this one, oldest first."""
        ...

    async def median_duration_seconds(self, project: str, scope: str) -> float | None:
        """The median of the last 20 completed runs of this scope, started to finished; None without any."""
        ...

    async def read_segments(self, run_id: int, *, after: int, max_records: int = MAX_PAGE_RECORDS) -> list[Segment]:
        """The next segments with records after `after`, oldest first: at least one, at most about so many records and
        1 MiB in all (fewer where others read too), [] when there are none. The first may begin before `after + 1`."""
        ...

    async def read_log(self, run_id: int, query: LogQuery) -> LogPage:
        """A page of the log. Raises RunNotFound."""
        ...

    async def close(self) -> None:
        """Finish what has begun, then close. Safe to call twice."""
        ...


class StoreMaintenance(Protocol):
    """The health and the upkeep of a store's database."""

    @property
    def write_error(self) -> str | None:
        """Why the last write failed, or that the current one does not finish; None if neither is true.

        Known without a query. After a failure the store checks by itself when it can write again.
        """
        ...

    async def compact_segments(self, run_id: int) -> bool:
        """Merge some of an ended run's small segments in one bounded transaction. True while more can be merged."""
        ...

    async def check(self, *, repair: bool = False) -> list[Finding]:
        """Check the database's invariants, and repair what can be repaired. Only while no service is running."""
        ...


class Store(RunStore, StoreMaintenance, Protocol):
    """A complete store."""
