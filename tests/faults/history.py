"""Records what clients, readers and steps observed during a trial. What must hold of it is in `checkers.py`."""

import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from solorun.errors import Problem, RunActive, StoreFailure
from solorun.run import Run
from solorun.segment import Segment


class Kind(StrEnum):
    """The state of an operation. `unknown`: the client was cut off, so the operation may have happened or not."""

    INVOKE = "invoke"
    OK = "ok"
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Entry:
    """One event. `number` identifies the operation; `value` is the request or the answer."""

    at: float
    number: int
    kind: Kind
    operation: str
    subject: Any
    value: Any = None


@dataclass(slots=True)
class Reading:
    """What one reader received of one run, in order. `lines` are the records' JSON."""

    run_id: int
    after: int
    lines: list[bytes] = field(default_factory=list)
    end: Run | None = None

    def take(self, item: Segment | Run) -> None:
        if isinstance(item, Run):
            self.end = item
        else:
            self.lines += item.lines()


class MarkKind(StrEnum):
    """A mark left by a step: it began, is working, or left; `overlap`: it found another one working."""

    ENTER = "enter"
    AT = "at"
    EXIT = "exit"
    OVERLAP = "overlap"


@dataclass(frozen=True, slots=True)
class Mark:
    project: str
    run_id: int
    kind: MarkKind


@dataclass(frozen=True, slots=True)
class EndObservation:
    """Which of a run's processes were alive when a client received the run's end."""

    run_id: int
    status: str
    alive: tuple[str, ...]


class Operation:
    """An operation in progress. Without an answer it becomes `unknown`."""

    def __init__(self, history: "History", number: int, name: str, subject: Any) -> None:
        self._history = history
        self._number = number
        self._name = name
        self._subject = subject
        self.answer: Entry | None = None

    def ok(self, value: Any = None) -> None:
        self._answer(Kind.OK, value)

    def fail(self, value: Any = None) -> None:
        self._answer(Kind.FAIL, value)

    def unknown(self, value: Any = None) -> None:
        self._answer(Kind.UNKNOWN, value)

    def _answer(self, kind: Kind, value: Any) -> None:
        self.answer = self._history.note(self._number, kind, self._name, self._subject, value)


class History:
    """The recorded history of a trial."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.readings: list[Reading] = []
        self.marks: list[Mark] = []
        self.end_observations: list[EndObservation] = []
        self._numbers = itertools.count(1)

    def note(self, number: int, kind: Kind, operation: str, subject: Any, value: Any = None) -> Entry:
        entry = Entry(time.monotonic(), number, kind, operation, subject, value)
        self.entries.append(entry)
        return entry

    @contextmanager
    def operation(self, name: str, subject: Any) -> Iterator[Operation]:
        """Record an operation. If it raises a problem, it failed; any other exception leaves it unknown.

        Problems are not raised again, since they are in the history.
        """
        number = next(self._numbers)
        self.note(number, Kind.INVOKE, name, subject)
        operation = Operation(self, number, name, subject)
        try:
            yield operation
        except RunActive as refusal:
            operation.fail(refusal.active_run.id)
        except Problem as problem:
            operation.fail(problem.slug)
        except StoreFailure:
            operation.fail("internal")
        finally:
            if operation.answer is None:
                operation.unknown()

    def read(self, run_id: int, *, after: int = 0) -> Reading:
        """A new reader."""
        reading = Reading(run_id, after)
        self.readings.append(reading)
        return reading

    def mark(self, project: str, run_id: int, kind: MarkKind) -> None:
        self.marks.append(Mark(project, run_id, kind))

    def read_marks(self, path: Path) -> None:
        """Reads the marks that commands wrote to a file: lines of `kind project run`."""
        for line in path.read_text().splitlines() if path.exists() else ():
            kind, project, run_id = line.split()
            self.mark(project, int(run_id), MarkKind(kind))

    def answers(self, operation: str, kind: Kind) -> list[Entry]:
        return [entry for entry in self.entries if (entry.operation, entry.kind) == (operation, kind)]
