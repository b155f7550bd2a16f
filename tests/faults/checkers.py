"""What must hold of every trial: each checker reads a history and the database afterwards, and says what is wrong."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import msgspec

from solorun.status import ACTIVE, TRANSITIONS, Status
from tests.faults.database import Database, Row
from tests.faults.history import History, Kind, MarkKind, Reading


@dataclass(frozen=True, slots=True)
class Evidence:
    """A trial that is over. `at_rest`: nothing is active any more, or should not be."""

    history: History
    database: Database
    at_rest: bool = True


Checker = Callable[[Evidence], Iterator[str]]


def audit(history: History, database: Database, *, at_rest: bool = True) -> list[str]:
    """Every violation that any checker finds."""
    evidence = Evidence(history, database, at_rest)
    return [f"{checker.__name__}: {found}" for checker in CHECKERS for found in checker(evidence)]


def at_most_one_active(evidence: Evidence) -> Iterator[str]:
    """Replayed commit by commit, no project ever has two active rows."""
    active: dict[str, set[int]] = defaultdict(set)
    for move in evidence.database.moves:
        if move.after in ACTIVE:
            active[move.project].add(move.run_id)
        else:
            active[move.project].discard(move.run_id)
        if len(active[move.project]) > 1:
            yield f"runs {sorted(active[move.project])} of {move.project} were active at once"


def at_most_one_working(evidence: Evidence) -> Iterator[str]:
    """By the work's own marks: nobody finds another at work, and nobody says anything after a later one began."""
    newest: dict[str, int] = {}
    inside: dict[str, int] = {}
    for mark in evidence.history.marks:
        if mark.kind is MarkKind.OVERLAP:
            yield f"run {mark.run_id} of {mark.project} found another at work"
        elif mark.run_id < newest.get(mark.project, 0):
            yield f"run {mark.run_id} of {mark.project} was at work after run {newest[mark.project]} had begun"
        elif mark.kind is MarkKind.EXIT:
            inside.pop(mark.project, None)
        else:
            if mark.kind is MarkKind.ENTER:
                if inside.get(mark.project, mark.run_id) != mark.run_id:
                    yield f"run {mark.run_id} of {mark.project} began inside run {inside[mark.project]}"
                inside[mark.project] = mark.run_id
            newest[mark.project] = mark.run_id


def no_acknowledged_run_is_lost(evidence: Evidence) -> Iterator[str]:
    """A start that was answered has a row of its project; at rest it has ended. Ids rise with every answer."""
    for entry in evidence.history.answers("start", Kind.OK):
        row = evidence.database.runs.get(entry.value)
        if row is None:
            yield f"run {entry.value} of {entry.subject} was acknowledged and is not there"
        elif row.project != entry.subject:
            yield f"run {entry.value} was acknowledged for {entry.subject} and is of {row.project}"
    if evidence.at_rest:
        for row in evidence.database.runs.values():
            if row.status in ACTIVE:
                yield f"run {row.id} is still {row.status}"
            elif row.finished_at is None:
                yield f"run {row.id} is {row.status} without an end"
            elif stuck := [name for name, status in row.steps if status in ACTIVE]:
                yield f"steps {stuck} of run {row.id}, which is {row.status}, are still active"
    yield from _ids_that_fall(evidence)


def a_conflict_names_an_active_run(evidence: Evidence) -> Iterator[str]:
    """Who was refused was told a run of the same project, which no reader had seen the end of before."""
    ended: dict[int, float] = {}
    for entry in evidence.history.answers("end", Kind.OK):
        ended.setdefault(entry.subject, entry.at)
    invoked = {entry.number: entry.at for entry in evidence.history.entries if entry.kind is Kind.INVOKE}
    for entry in evidence.history.answers("start", Kind.FAIL):
        if not isinstance(entry.value, int):
            continue
        row = evidence.database.runs.get(entry.value)
        if row is None or row.project != entry.subject:
            yield f"a start of {entry.subject} was refused because of run {entry.value}, which is {row}"
        elif ended.get(entry.value, float("inf")) < invoked[entry.number]:
            yield f"a start of {entry.subject} was refused because of run {entry.value}, whose end had been told"


def nothing_refused_works(evidence: Evidence) -> Iterator[str]:
    """A run at work was acknowledged, or its caller was cut off before it could be."""
    acknowledged = {entry.value for entry in evidence.history.answers("start", Kind.OK)}
    unanswered = {entry.subject for entry in evidence.history.answers("start", Kind.UNKNOWN)}
    for mark in evidence.history.marks:
        if mark.run_id not in acknowledged and mark.project not in unanswered:
            yield f"run {mark.run_id} of {mark.project} is at work, and nobody was told that it was started"


def no_acknowledged_record_is_lost(evidence: Evidence) -> Iterator[str]:
    """The log is gap-free from 1 to the row's last seq; each reader saw a part of it, in order, without repetition."""
    for row in evidence.database.runs.values():
        yield from _faults_of_log(row, evidence.database.logs.get(row.id, []))
    for reading in evidence.history.readings:
        yield from _faults_of_reading(reading, evidence.database)


def moves_are_legal(evidence: Evidence) -> Iterator[str]:
    """Every move is one of the drawn ones; what is terminal is never touched again, and nothing is deleted."""
    for move in evidence.database.moves:
        if move.before is None:
            if move.after != Status.PENDING:
                yield f"run {move.run_id} was inserted as {move.after}"
        elif move.after is None or move.after not in TRANSITIONS.get(Status(move.before), frozenset()):
            yield f"run {move.run_id} went from {move.before} to {move.after}"


def a_streams_end_equals_the_row(evidence: Evidence) -> Iterator[str]:
    """Whoever was told an end was told what the row says, after all of its records."""
    for reading in evidence.history.readings:
        run, row = reading.end, evidence.database.runs.get(reading.run_id)
        if run is None:
            continue
        told = (run.status.value, run.error_message, run.started_at, run.finished_at, run.last_seq,
                tuple((step.name, step.status.value) for step in run.steps))  # fmt: skip
        written = row and (row.status, row.error_message, row.started_at, row.finished_at, row.last_seq, row.steps)
        if told != written:
            yield f"the end of run {run.id} was told as {told}, the row says {written}"
        last_seen = reading.after + len(reading.lines)
        if last_seen < run.last_seq:
            yield f"the end of run {run.id} was told after record {last_seen} of {run.last_seq}"


def an_end_leaves_nobody_alive(evidence: Evidence) -> Iterator[str]:
    """When a run is told to have ended, and above all when it is told to be cancelled, nothing of it lives."""
    for sighting in evidence.history.sightings:
        if sighting.alive:
            yield f"run {sighting.run_id} was told to be {sighting.status} while {list(sighting.alive)} lived"


def the_database_is_whole(evidence: Evidence) -> Iterator[str]:
    if evidence.database.integrity != "ok":
        yield evidence.database.integrity


CHECKERS: tuple[Checker, ...] = (
    at_most_one_active,
    at_most_one_working,
    no_acknowledged_run_is_lost,
    a_conflict_names_an_active_run,
    nothing_refused_works,
    no_acknowledged_record_is_lost,
    moves_are_legal,
    a_streams_end_equals_the_row,
    an_end_leaves_nobody_alive,
    the_database_is_whole,
)


def _ids_that_fall(evidence: Evidence) -> Iterator[str]:
    """A start that was asked for after another had been answered has a larger id."""
    highest, at = 0, 0.0
    invoked = {entry.number: entry.at for entry in evidence.history.entries if entry.kind is Kind.INVOKE}
    for entry in evidence.history.answers("start", Kind.OK):
        if invoked[entry.number] > at and entry.value <= highest:
            yield f"run {entry.value} was started after run {highest} had been answered"
        if entry.value > highest:
            highest, at = entry.value, entry.at


def _faults_of_log(row: Row, segments: list[tuple[int, list[bytes]]]) -> Iterator[str]:
    seqs = [_seq_of(line) for _, lines in segments for line in lines]
    if seqs != list(range(1, len(seqs) + 1)):
        breaks = [(one, two) for one, two in pairwise([0, *seqs]) if two != one + 1]
        yield f"the log of run {row.id} breaks at {breaks[:3]}"
    if len(seqs) != row.last_seq:
        yield f"the log of run {row.id} has {len(seqs)} records, its row says {row.last_seq}"


def _faults_of_reading(reading: Reading, database: Database) -> Iterator[str]:
    seqs = [_seq_of(line) for line in reading.lines]
    expected = list(range(reading.after + 1, reading.after + 1 + len(seqs)))
    if seqs != expected:
        found = next((got, want) for got, want in zip(seqs, expected, strict=True) if got != want)
        yield f"a reader of run {reading.run_id} after {reading.after} was sent {found[0]} where {found[1]} was due"
        return
    stored = [line for _, lines in database.logs.get(reading.run_id, []) for line in lines]
    part = stored[reading.after : reading.after + len(seqs)]
    if part != reading.lines:
        yield f"a reader of run {reading.run_id} saw {len(seqs)} records, of which {len(part)} are stored as they were"


def _seq_of(line: bytes) -> int:
    seq: int = msgspec.json.decode(line)["seq"]
    return seq
