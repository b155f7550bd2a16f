"""What must hold after every trial. Each checker reads the history and the database, and yields violations."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import pairwise

import msgspec

from solorun.runs.reaper import TOO_LATE, UNCONFIRMED
from solorun.status import ACTIVE, TRANSITIONS, Status
from tests.faults.database import EXPIRED, Database, Row
from tests.faults.evidence import Evidence
from tests.faults.history import History, Kind, MarkKind, Reading
from tests.faults.queue_checkers import (
    active_runs_hold_their_slots,
    freed_projects_are_given_on,
    queues_are_in_order,
    slots_have_one_holder,
)

Checker = Callable[[Evidence], Iterator[str]]


def audit(
    history: History, database: Database, *, at_rest: bool = True, checkers: tuple[Checker, ...] | None = None
) -> list[str]:
    """The violations found by all checkers, or by these."""
    evidence = Evidence(history, database, at_rest)
    return [f"{checker.__name__}: {found}" for checker in checkers or CHECKERS for found in checker(evidence)]


def at_most_one_active_run(evidence: Evidence) -> Iterator[str]:
    """Replayed commit by commit, no project ever has two active rows."""
    active: dict[str, set[int]] = defaultdict(set)
    for move in evidence.database.moves:
        if move.after in ACTIVE:
            active[move.project].add(move.run_id)
        else:
            active[move.project].discard(move.run_id)
        if len(active[move.project]) > 1:
            yield f"runs {sorted(active[move.project])} of {move.project} were active at the same time"


def at_most_one_working_run(evidence: Evidence) -> Iterator[str]:
    """By the marks of the steps: no step finds another at work, and none leaves a mark after another run began."""
    newest: dict[str, int] = {}
    inside: dict[str, int] = {}
    superseded: set[int] = set()
    for mark in evidence.history.marks:
        if mark.kind is MarkKind.OVERLAP:
            yield f"run {mark.run_id} of {mark.project} found another at work"
        elif mark.run_id in superseded:
            yield f"run {mark.run_id} of {mark.project} was working after run {newest[mark.project]} had begun"
        elif mark.kind is MarkKind.EXIT:
            inside.pop(mark.project, None)
        else:
            if mark.kind is MarkKind.ENTER:
                if inside.get(mark.project, mark.run_id) != mark.run_id:
                    yield f"run {mark.run_id} of {mark.project} began inside run {inside[mark.project]}"
                inside[mark.project] = mark.run_id
            if newest.get(mark.project, mark.run_id) != mark.run_id:
                superseded.add(newest[mark.project])
            newest[mark.project] = mark.run_id


def no_acknowledged_run_is_lost(evidence: Evidence) -> Iterator[str]:
    """Every acknowledged start has a row in its project, which has ended at rest. Ids increase with every answer."""
    deleted = evidence.database.deleted
    for entry in evidence.history.answers("start", Kind.OK):
        row = evidence.database.runs.get(entry.value)
        if row is None and entry.value not in deleted:
            yield f"run {entry.value} of {entry.subject} was acknowledged but does not exist"
        elif row is not None and row.project != entry.subject:
            yield f"run {entry.value} was acknowledged for {entry.subject} but belongs to {row.project}"
    if evidence.at_rest:
        for row in evidence.database.runs.values():
            if row.status in ACTIVE:
                yield f"run {row.id} is still {row.status}"
            elif row.finished_at is None:
                yield f"run {row.id} is {row.status} without finished_at"
            elif stuck := [name for name, status in row.steps if status in ACTIVE]:
                yield f"steps {stuck} of run {row.id}, which is {row.status}, are still active"
    yield from _decreasing_ids(evidence)


def no_acknowledged_run_is_given_up(evidence: Evidence) -> Iterator[str]:
    """No start that was acknowledged was later taken for one that was not."""
    for entry in evidence.history.answers("start", Kind.OK):
        row = evidence.database.runs.get(entry.value)
        if row is not None and any(reason in (row.error_message or "") for reason in (UNCONFIRMED, TOO_LATE)):
            yield f"run {row.id} was acknowledged, but {row.error_message}"


def a_conflict_names_an_active_run(evidence: Evidence) -> Iterator[str]:
    """A conflict names a run of the same project whose end no reader had seen before the start."""
    ended: dict[int, float] = {}
    deleted = evidence.database.deleted
    for entry in evidence.history.answers("end", Kind.OK):
        ended.setdefault(entry.subject, entry.at)
    invoked = {entry.number: entry.at for entry in evidence.history.entries if entry.kind is Kind.INVOKE}
    for entry in evidence.history.answers("start", Kind.FAIL):
        if not isinstance(entry.value, int):
            continue
        row = evidence.database.runs.get(entry.value)
        if entry.value not in deleted and (row is None or row.project != entry.subject):
            yield f"a start of {entry.subject} was refused because of run {entry.value}, whose row is {row}"
        elif ended.get(entry.value, float("inf")) < invoked[entry.number]:
            yield f"a start of {entry.subject} was refused because of run {entry.value}, which had already ended"


def only_acknowledged_runs_work(evidence: Evidence) -> Iterator[str]:
    """A working run was acknowledged, unless its caller was cut off before the answer."""
    acknowledged = {entry.value for entry in evidence.history.answers("start", Kind.OK)}
    unanswered = {entry.subject for entry in evidence.history.answers("start", Kind.UNKNOWN)}
    for mark in evidence.history.marks:
        if mark.run_id not in acknowledged and mark.project not in unanswered:
            yield f"run {mark.run_id} of {mark.project} is working, but its start was never acknowledged"


def no_acknowledged_record_is_lost(evidence: Evidence) -> Iterator[str]:
    """Logs are gap-free from 1 to the row's last seq; each reader saw a part in order and without repetition."""
    for row in evidence.database.runs.values():
        yield from _log_violations(row, evidence.database.logs.get(row.id, []))
    deleted = evidence.database.deleted
    for reading in evidence.history.readings:
        if reading.run_id not in deleted:
            yield from _reading_violations(reading, evidence.database)


def transitions_are_legal(evidence: Evidence) -> Iterator[str]:
    """Only documented transitions happen, a terminal row never changes, and a row is deleted only after it expired."""
    for move in evidence.database.moves:
        if move.before is None:
            if move.after not in (Status.PENDING, Status.QUEUED):
                yield f"run {move.run_id} was inserted as {move.after}"
        elif move.after == EXPIRED:
            if not Status(move.before).has_ended or move.is_pinned:
                yield f"run {move.run_id} expired while it was {'pinned' if move.is_pinned else move.before}"
        elif move.before == EXPIRED:
            if move.after is not None:
                yield f"run {move.run_id} went from {move.before} to {move.after}"
        elif move.after is None or move.after not in TRANSITIONS.get(Status(move.before), frozenset()):
            yield f"run {move.run_id} went from {move.before} to {move.after}"


def stream_ends_match_the_rows(evidence: Evidence) -> Iterator[str]:
    """An end sent to a reader equals the row, and follows all of the run's records."""
    deleted = evidence.database.deleted
    for reading in evidence.history.readings:
        run, row = reading.end, evidence.database.runs.get(reading.run_id)
        if run is None or reading.run_id in deleted:
            continue
        sent = (run.status.value, run.error_message, run.started_at, run.finished_at, run.last_seq, run.cancel,
                tuple((step.name, step.status.value) for step in run.steps))  # fmt: skip
        written = row and (row.status, row.error_message, row.started_at, row.finished_at, row.last_seq, row.cancel,
                           row.steps)  # fmt: skip
        if sent != written:
            yield f"the end of run {run.id} was sent as {sent}, the row says {written}"
        last_seen = reading.after + len(reading.lines)
        if last_seen < run.last_seq:
            yield f"the end of run {run.id} was sent after record {last_seen} of {run.last_seq}"


def cancels_are_settled(evidence: Evidence) -> Iterator[str]:
    """When a run has ended, its cancel is settled. Its effect is known only if the work was signalled."""
    for row in evidence.database.runs.values():
        cancel = row.cancel
        if cancel is None or row.status in ACTIVE or row.status == Status.QUEUED:
            continue
        if cancel.settled_at is None:
            yield f"run {row.id} is {row.status}, but its cancel is not settled"
        if (cancel.effect or cancel.position) and cancel.signalled_at is None:
            yield f"the work of run {row.id} was {cancel.effect}, but not signalled"


def every_end_is_announced_once(evidence: Evidence) -> Iterator[str]:
    """The transaction that ends a run adds the delivery of its end, and nothing else does."""
    for row in evidence.database.runs.values():
        expected = [[row.status]] if row.notifies and Status(row.status).has_ended else [[]]
        if row.status == Status.COMPLETED:
            expected.append(["recovered"])
        if (events := evidence.database.deliveries.get(row.id, [])) not in expected:
            yield f"run {row.id} is {row.status}, and was announced as {events}"


def no_process_outlives_its_run(evidence: Evidence) -> Iterator[str]:
    """When a reader receives a run's end, above all a cancelled one, none of its processes is alive."""
    for seen in evidence.history.end_observations:
        if seen.alive:
            yield f"run {seen.run_id} was reported {seen.status} while {list(seen.alive)} were alive"


def the_database_is_intact(evidence: Evidence) -> Iterator[str]:
    if evidence.database.integrity != "ok":
        yield evidence.database.integrity


START_CHECKERS: tuple[Checker, ...] = (
    at_most_one_active_run,
    at_most_one_working_run,
    queues_are_in_order,
    freed_projects_are_given_on,
    slots_have_one_holder,
    active_runs_hold_their_slots,
    no_acknowledged_run_is_lost,
    no_acknowledged_run_is_given_up,
    a_conflict_names_an_active_run,
    only_acknowledged_runs_work,
    transitions_are_legal,
)
"""Those that need no logs."""

CHECKERS: tuple[Checker, ...] = (
    *START_CHECKERS,
    no_acknowledged_record_is_lost,
    stream_ends_match_the_rows,
    cancels_are_settled,
    every_end_is_announced_once,
    no_process_outlives_its_run,
    the_database_is_intact,
)


def _decreasing_ids(evidence: Evidence) -> Iterator[str]:
    """A start requested after another was answered has a larger id."""
    highest, at = 0, 0.0
    invoked = {entry.number: entry.at for entry in evidence.history.entries if entry.kind is Kind.INVOKE}
    for entry in evidence.history.answers("start", Kind.OK):
        if invoked[entry.number] > at and entry.value <= highest:
            yield f"run {entry.value} was requested after run {highest} had been answered"
        if entry.value > highest:
            highest, at = entry.value, entry.at


def _log_violations(row: Row, segments: list[tuple[int, list[bytes]]]) -> Iterator[str]:
    seqs = [_seq_of(line) for _, lines in segments for line in lines]
    if seqs != list(range(1, len(seqs) + 1)):
        gaps = [(one, two) for one, two in pairwise([0, *seqs]) if two != one + 1]
        yield f"the log of run {row.id} has gaps at {gaps[:3]}"
    if len(seqs) != row.last_seq:
        yield f"the log of run {row.id} has {len(seqs)} records, its row says {row.last_seq}"


def _reading_violations(reading: Reading, database: Database) -> Iterator[str]:
    seqs = [_seq_of(line) for line in reading.lines]
    expected = list(range(reading.after + 1, reading.after + 1 + len(seqs)))
    if seqs != expected:
        found = next((got, want) for got, want in zip(seqs, expected, strict=True) if got != want)
        yield f"a reader of run {reading.run_id} after {reading.after} was sent {found[0]} instead of {found[1]}"
        return
    stored = [line for _, lines in database.logs.get(reading.run_id, []) for line in lines]
    part = stored[reading.after : reading.after + len(seqs)]
    if part != reading.lines:
        yield f"a reader of run {reading.run_id} saw {len(seqs)} records, but the {len(part)} stored ones differ"


def _seq_of(line: bytes) -> int:
    seq: int = msgspec.json.decode(line)["seq"]
    return seq
