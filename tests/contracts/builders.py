"""Builds runs, records, segments and batches for the tests of the contract."""

import dataclasses
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

import msgspec
from msgspec.structs import replace

from solorun.outcome import Outcome
from solorun.queueing import ConflictPolicy
from solorun.record import Level, LogPage, Record, StoredLogPage, Stream
from solorun.run import LevelCounts, Run, RunStep
from solorun.segment import Segment
from solorun.status import Status, UpdateResult
from solorun.store import Batch, FinalState, LogQuery, NewRun, Store
from solorun.wire.encoding import decode_records, encode, encode_records

OWNER = "this-service"
NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def new_run(project: str = "handbook", *, scope: str = "full", steps: Sequence[str] = ("extract", "review")) -> NewRun:
    return NewRun(project, scope, "api", {"date": "today", "documents": "Übersicht"}, NOW, tuple(steps))


def records(first: int, last: int, *, level: Level = Level.INFO, step: str | None = "extract") -> list[Record]:
    return [
        Record(seq, later(seq), level, step, Stream.STDOUT, f"line {seq} of the story")
        for seq in range(first, last + 1)
    ]


def segment_of(run_id: int, content: Sequence[Record]) -> Segment:
    counts = LevelCounts(**{level.value: sum(record.level is level for record in content) for level in Level})
    return Segment(run_id, content[0].seq, content[-1].seq, encode_records(content), counts)


def ending(status: Status = Status.COMPLETED, error_message: str | None = None, *, at: float = 60) -> FinalState:
    return FinalState(Outcome(status, error_message), later(at))


def batch_of(
    run: Run, content: Sequence[Record] = (), *, steps: Sequence[RunStep] = (), end: FinalState | None = None
) -> Batch:
    """A batch that follows the records of `run`. Its own `run` is the run after it."""
    segment = segment_of(run.id, content) if content else None
    if segment is not None:
        errors = [record.seq for record in content if record.level is Level.ERROR]
        run = replace(
            run,
            last_seq=segment.last_seq,
            level_counts=run.level_counts + segment.level_counts,
            first_error_seq=run.first_error_seq or (errors[0] if errors else None),
        )
    return Batch(run, segment, tuple(steps), end)


def beginning(run: Run, content: Sequence[Record] = (), *, at: float) -> Batch:
    """The batch that starts a pending run."""
    return batch_of(replace(run, status=Status.RUNNING, started_at=later(at)), content)


def queued(project: str = "handbook", *, policy: ConflictPolicy = ConflictPolicy.QUEUE, **needs: int) -> NewRun:
    """A start that may wait, for its project and for `needs`."""
    return dataclasses.replace(new_run(project), on_conflict=policy, resources=MappingProxyType(needs))


async def insert(store: Store, new: NewRun) -> Run:
    return await store.insert_run(new, owner=OWNER)


async def status_of(store: Store, *runs: Run) -> list[Status]:
    return [(await store.get_run(run.id)).status for run in runs]


async def start(
    store: Store,
    project: str = "handbook",
    *,
    scope: str = "full",
    owner: str = OWNER,
    rerun_of: int | None = None,
) -> Run:
    """A running run."""
    new = dataclasses.replace(new_run(project, scope=scope), rerun_of=rerun_of)
    run = await store.insert_run(new, owner=owner)
    assert await store.commit([beginning(run, at=1)], owner=owner) == [UpdateResult.UPDATED]
    return await store.get_run(run.id)


async def write(store: Store, run: Run, *parts: Sequence[Record]) -> Run:
    """Commit each part as a separate segment. Returns the run afterwards."""
    for part in parts:
        batch = batch_of(run, part)
        assert await store.commit([batch], owner=OWNER) == [UpdateResult.UPDATED]
        run = batch.run
    return await store.get_run(run.id)


async def end(store: Store, run: Run, status: Status = Status.COMPLETED, *, at: float = 60) -> Run:
    """End a run with its steps."""
    assert await store.commit([batch_of(run, end=ending(status, at=at))], owner=OWNER) == [UpdateResult.UPDATED]
    return await store.get_run(run.id)


async def read_all(store: Store, run_id: int, *, after: int = 0) -> list[Record]:
    """All records after `after`, read page by page as a follower does."""
    found: list[Record] = []
    while page := await store.read_segments(run_id, after=after):
        for segment in page:
            found += decode_records(segment.after(after).payload)
            after = segment.last_seq
    return found


async def read_page(store: Store, run_id: int, query: LogQuery) -> LogPage:
    return decode_page(await store.read_log(run_id, query))


def decode_page(page: StoredLogPage) -> LogPage:
    """A page as a client receives it."""
    return msgspec.json.decode(encode(page), type=LogPage)
