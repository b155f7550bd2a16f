"""The part of the store's contract that is about runs, their steps and their logs.

Every transition of a run's status is one conditional UPDATE. The transaction that ends a run, however it ends, also
adds its deliveries to the outbox (`outbox.py`).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

from solorun.idempotency_key import IdempotencyKey
from solorun.notification import NotifyEvent
from solorun.outcome import Outcome
from solorun.parameter import ParamValue
from solorun.project import DEFAULT_QUEUE_MAX
from solorun.queueing import ConflictPolicy, Hold, Slots
from solorun.record import Event, Level, StoredLogPage, Stream
from solorun.run import Cancel, Refusal, Run, RunStep
from solorun.schedule import Firing
from solorun.segment import Segment
from solorun.status import Status, UpdateResult
from solorun.store.keys import KeyStore
from solorun.text.pattern import PLAIN, SearchOptions
from solorun.worker import DEFAULT_LABELS


@dataclass(frozen=True, slots=True)
class NewRun:
    """A run to insert; `steps` are the names of the steps in scope, in order.

    `resources` is how many slots of each resource the run requires, and `step_resources` the same for its steps. The
    queue's keys matter only if the run has to wait: beyond `queue_max` queued runs it is refused, and
    `unmasked_params`, the values that `params` has masked, are kept until it has ended and then erased. `rerun_of` is
    the id of the run that this one repeats. `notify` names the targets that receive news about the run, each with what
    it receives. `labels`, `pipeline` and `traceparent` as in Run; `is_for_worker` if another process will execute it,
    which needs the `unmasked_params` too.
    """

    project: str
    scope: str
    triggered_by: str
    params: dict[str, ParamValue]
    created_at: datetime
    steps: tuple[str, ...]
    resources: Mapping[str, int] = field(default_factory=dict)
    step_resources: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    on_conflict: ConflictPolicy = ConflictPolicy.REJECT
    queue_max: int = DEFAULT_QUEUE_MAX
    queue_deadline: datetime | None = None
    unmasked_params: Mapping[str, ParamValue] = field(default_factory=dict)
    rerun_of: int | None = None
    key: IdempotencyKey | None = None
    firing: Firing | None = None
    notify: Mapping[str, Collection[NotifyEvent]] = field(default_factory=dict)
    labels: tuple[str, ...] = DEFAULT_LABELS
    pipeline: str | None = None
    traceparent: str | None = None
    is_for_worker: bool = False


@dataclass(frozen=True, slots=True)
class FinalState:
    """The last entry of a run's log: how it ended, and when."""

    outcome: Outcome
    finished_at: datetime
    traceparent: str | None = None
    """Of the run's span, which the deliveries of its end continue."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What one run writes at a time: records, the changes they make to the run, and perhaps its final state.

    `run` is the run after these records. Of it, `current_step`, `progress_*`, `last_seq`, `level_counts`,
    `first_error_seq` and the `cancel`, if it has one, are written; if the row is `pending` and `run` is `running`, the
    status and `started_at` too.
    `steps` are the steps that changed. `segment` is None if there are no records.

    With an `ending`, the run takes the outcome's status (from `pending` too, if that is a valid transition) and
    `current_step` becomes None.
    """

    run: Run
    segment: Segment | None
    steps: tuple[RunStep, ...] = ()
    ending: FinalState | None = None


@dataclass(frozen=True, slots=True)
class LogQuery:
    """A page of a run's log.

    `after` and `before` are exclusive bounds. The page begins at `after`, or else ends at `before`, or else is the last
    one. `attempt` is one of the attempts of `step`. `level` is the lowest level. `text` is part of what a terminal
    shows of a line, found by its `options`, and selects the record in which it ends (see text/search.py). `events`
    selects records with one of these events, unless it is empty. `scan` is the most records that are read for the page,
    from its bound on; other matches are not counted. `context` records on each side of the nearest match are added.

    A page has at most `limit` records and MAX_PAGE_BYTES of JSON, but at least one record.
    """

    after: int | None = None
    before: int | None = None
    limit: int = 1000
    scan: int | None = None
    context: int = 0
    step: str | None = None
    attempt: int | None = None
    stream: Stream | None = None
    level: Level | None = None
    text: str | None = None
    options: SearchOptions = PLAIN
    events: frozenset[Event] = frozenset()


MAX_PAGE_BYTES: Final = 1024 * 1024
"""The size of a page of a log, as JSON, unless it is a single record."""
MAX_PAGE_RECORDS: Final = 4_000
"""The page size for readers that consume a log as fast as it is read."""


class RunStore(KeyStore, Protocol):
    """Runs, their steps and their logs."""

    # -- writes, in the order of a run's life

    async def insert_run(self, new: NewRun, *, owner: str) -> Run:
        """Insert a run: `pending`, with its resources, if all that it needs is free, else as its policy says.

        The database decides: a unique index for the project, a primary key for each slot. Where something is taken,
        `queue` and `replace` insert a queued run. `replace` also records on the project's active run that its
        cancellation was requested, and cancels the queued run that was to replace it. Other policies raise RunActive
        with the active run, or ResourceBusy if only resources are taken. Ids only increase, and are never reused.
        Raises QueueFull.

        A key is recorded in the same transaction. Raises StartRepeated, and changes nothing, if the run would be
        inserted but the key has started a run of the project less than KEY_LIFETIME ago, with this request or another.
        Older keys are deleted, a few at a time. A firing is recorded in the same way: StartRepeated means that its due
        time was handled before, or that its schedule is paused.
        """

    async def claim_runs(
        self,
        *,
        owner: str,
        labels: Collection[str] | None = None,
        limit: int | None = None,
        refused: Collection[int] = (),
    ) -> list[Run]:
        """Make pending runs without an owner ours, oldest first: at most `limit`, with no other labels, not `refused`.

        They were queued, and the transaction that freed what a run waited for made it `pending`, with its resources.
        Or another process has started them for a worker.
        """

    async def return_run(
        self, run_id: int, *, owner: str, refusals: Sequence[Refusal] = (), closing: Segment | None = None
    ) -> None:
        """Give up the claim of a pending run that has not begun: another process claims it.

        `refusals` replace those of the run, and the records of `closing` say why. They must follow the run's last one.
        A run whose cancel was requested ends.
        """

    async def take_step_slots(self, run_id: int, step: str, *, owner: str) -> Slots | None:
        """Take all the slots that a step of an active run requires, and return them; None if some are taken.

        A step that did not get them waits: the transaction that releases what it waits for gives it to the step,
        and the next call returns it. Waiting steps and queued runs take turns by the ids of their runs.
        """

    async def release_step_slots(self, run_id: int, step: str) -> None:
        """Release the slots that a step holds."""

    async def declare_resources(self, slots: Mapping[str, int]) -> None:
        """Replace the declared resources and their numbers of slots. Slots that are held stay held."""

    async def reserve_run_ids(self, last_id: int) -> bool:
        """Give new runs ids above `last_id`. False if that was so already."""

    async def request_cancel(self, run_id: int, cancel: Cancel) -> tuple[UpdateResult, Run]:
        """Record on an active run that its cancellation was requested, and return the run. A queued run ends.

        A second request is UPDATED, and keeps what the first one recorded, except for a longer grace. Raises
        RunNotFound.
        """

    async def commit(self, batches: Sequence[Batch], *, owner: str) -> list[UpdateResult]:
        """Write the batches of several runs in one transaction.

        Returns a result for each batch. A batch that is not UPDATED (the run does not exist, is not active, or belongs
        to another owner) writes nothing; the others are unaffected. Writing a batch again is UPDATED and changes
        nothing.
        """

    async def finalize_run(
        self,
        run_id: int,
        *,
        owner: str | None,
        ending: FinalState,
        closing: Segment | None = None,
    ) -> UpdateResult:
        """End a run that has no task: it could not be started, or its owner is gone.

        An `owner` of None means any owner whose lease has expired. Running steps take the run's status, pending steps
        become `skipped`, and a cancel is settled. The records of `closing` must follow the run's last one.
        """

    async def give_up_start(self, run_id: int, *, owner: str, ending: FinalState, cancel: Cancel) -> bool:
        """End the owner's run, whose start was not acknowledged, and forget the keys and the firing that led to it.

        A pending run takes the `ending`, or is cancelled if that was requested; a queued one is cancelled by `cancel`.
        False, and nothing changes, after an `acknowledge_start` or `record_key` for the run. Raises RunNotFound.
        """

    # -- reads

    async def get_run(self, run_id: int) -> Run:
        """Raises RunNotFound."""

    async def read_unmasked_params(self, run_id: int) -> dict[str, ParamValue]:
        """The `unmasked_params` of a run that had to wait and has not ended. {} for any other run."""

    async def find_active_run(self, project: str) -> Run | None: ...

    async def find_latest_run(self, project: str) -> Run | None: ...

    async def list_runs(
        self,
        *,
        project: str | None = None,
        statuses: Collection[Status] = (),
        rerun_of: int | None = None,
        before_id: int | None = None,
        limit: int = 50,
    ) -> list[Run]:
        """Runs with smaller ids than `before_id`, newest first. Without `statuses`, runs of every status.

        With `rerun_of`, only the runs that repeat this run directly.
        """

    async def find_runs(self, run_ids: Collection[int]) -> dict[int, Run]:
        """Those of the runs that exist, by id."""

    async def list_project_names(self) -> list[str]:
        """The names of the projects that have runs. The cost depends on the number of projects, not of runs."""

    async def list_latest_runs(self) -> list[Run]:
        """The newest run of each project, by project name. As cheap as their names."""

    async def list_queued_runs(self) -> list[Run]:
        """All queued runs, by project, each project's in the order in which they will begin."""

    async def list_resources(self) -> dict[str, int]:
        """The declared resources and their numbers of slots, by name."""

    async def list_holds(self) -> list[Hold]:
        """The slots that are held, by resource and slot."""

    async def list_foreign_runs(self, owner: str) -> list[Run]:
        """The active runs of other owners, oldest first."""

    async def list_orphaned_runs(self, owner: str) -> list[Run]:
        """The active runs of other owners whose leases have expired, oldest first."""

    async def median_duration_seconds(self, project: str, scope: str) -> float | None:
        """The median duration of the last 20 completed runs of this scope; None if there are none."""

    async def read_segments(self, run_id: int, *, after: int, max_records: int = MAX_PAGE_RECORDS) -> list[Segment]:
        """The next segments with records after `after`, oldest first; [] if there are none.

        At least one segment, otherwise up to `max_records` records (fewer while others are reading) and 1 MiB. The
        first segment may begin before `after + 1`.
        """

    async def read_log(self, run_id: int, query: LogQuery) -> StoredLogPage:
        """A page of the log. Raises RunNotFound."""

    async def close(self) -> None:
        """Finish what has begun, then close. Safe to call twice."""
