"""Derives a run's state from its records: its current step, progress, counts and step rows.

The channel owns it. The row that a batch writes is the run after the batch's records.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from solorun.queueing import Slots
from solorun.record import Event, Level, Record
from solorun.run import Cancel, LevelCounts, Run, RunStep, cancel_fields
from solorun.status import Status, StepStatus
from solorun.store import FinalState


class Projection:
    """Folds records into a run. `run` is the run after the last applied record."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._steps = {step.name: step for step in run.steps}
        self._changed_steps: set[str] = set()
        self._expected: dict[int, tuple[str, StepStatus, int | None, str | None]] = {}

    def expect_step(
        self, seq: int, name: str, status: StepStatus, exit_code: int | None, error_message: str | None
    ) -> None:
        """Announce that the record with this seq changes a step to this status."""
        self._expected[seq] = (name, status, exit_code, error_message)

    def hold(self, name: str, slots: Slots) -> None:
        """Give a step its slots. The record that begins it publishes them."""
        if slots:
            self._steps[name] = replace(self._steps[name], slots={key: list(taken) for key, taken in slots.items()})

    def apply(self, records: Sequence[Record]) -> LevelCounts:
        """Fold the next records. Returns how many there are of each level."""
        counts = _count_levels(records)
        run = self.run
        current_step = run.current_step
        progress = run.progress_current, run.progress_total, run.progress_item
        cancel = run.cancel
        # Nearly every record is a plain line, so filter first instead of testing each in the loop.
        for record in [record for record in records if record.event is not None]:
            if record.event is Event.PROGRESS and record.data is not None:
                progress = record.data["current"], record.data["total"], record.data["item"]
            elif record.event is Event.STEP and record.seq in self._expected:
                current_step = self._apply_step(record)
                progress = None, None, None
            elif record.event is Event.CANCEL and record.data is not None:
                cancel = Cancel(**record.data)
        first_error_seq = run.first_error_seq
        if first_error_seq is None and counts.error:
            first_error_seq = next(record.seq for record in records if record.level is Level.ERROR)
        self.run = replace(
            run,
            current_step=current_step,
            progress_current=progress[0],
            progress_total=progress[1],
            progress_item=progress[2],
            last_seq=records[-1].seq,
            level_counts=run.level_counts + counts,
            first_error_seq=first_error_seq,
            steps=tuple(self._steps.values()) if self._changed_steps else run.steps,
            **cancel_fields(cancel),
        )
        if run.status is Status.PENDING and current_step is not None:
            # A run becomes `running` when its first step begins.
            self.run = replace(self.run, status=Status.RUNNING, started_at=self._steps[current_step].started_at)
        return counts

    def end(self, ending: FinalState) -> None:
        """Apply the final state: steps that never began are skipped, no step is current, and a cancel is settled."""
        for step in self._steps.values():
            if step.status in (StepStatus.PENDING, StepStatus.WAITING):
                self._change(replace(step, status=StepStatus.SKIPPED))
            elif step.status is StepStatus.RUNNING:
                status = StepStatus(ending.outcome.status)
                self._change(replace(step, status=status, finished_at=ending.finished_at, last_seq=self.run.last_seq))
        cancel = self.run.cancel
        if cancel is not None and cancel.settled_at is None:
            cancel = replace(cancel, settled_at=ending.finished_at)
        self.run = replace(
            self.run,
            status=ending.outcome.status,
            error_message=ending.outcome.error_message,
            finished_at=ending.finished_at,
            current_step=None,
            steps=tuple(self._steps.values()),
            **cancel_fields(cancel),
        )

    def take_changed_steps(self) -> tuple[RunStep, ...]:
        """The step rows that changed since the last call."""
        changed = tuple(step for step in self._steps.values() if step.name in self._changed_steps)
        self._changed_steps.clear()
        return changed

    def _apply_step(self, record: Record) -> str | None:
        name, status, exit_code, error_message = self._expected.pop(record.seq)
        step = self._steps[name]
        first_seq = step.first_seq or record.seq
        if status is StepStatus.WAITING:
            self._change(replace(step, status=status, first_seq=first_seq))
            return None
        if status is StepStatus.RUNNING:
            self._change(replace(step, status=status, started_at=record.time, first_seq=first_seq))
            return name
        self._change(
            replace(
                step,
                status=status,
                finished_at=record.time,
                exit_code=exit_code,
                error_message=error_message,
                last_seq=record.seq,
            )
        )
        return None

    def _change(self, step: RunStep) -> None:
        self._steps[step.name] = step
        self._changed_steps.add(step.name)


def _count_levels(records: Sequence[Record]) -> LevelCounts:
    # Not a Counter, which would hash each level: an enum's hash is Python code.
    levels = [record.level for record in records]
    return LevelCounts(
        levels.count(Level.DEBUG), levels.count(Level.INFO), levels.count(Level.WARNING), levels.count(Level.ERROR)
    )
