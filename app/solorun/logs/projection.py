"""Derives a run's state from its records: its current step, progress, counts and step rows.

The channel owns it. The row that a batch writes is the run after the batch's records.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from solorun.logs.step_changes import StepChange, apply_change, end_step
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
        self._expected: dict[int, StepChange] = {}

    def expect_step(self, seq: int, change: StepChange) -> None:
        """Announce that the record with this seq changes a step."""
        self._expected[seq] = change

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
            if step.status.has_ended:
                continue
            if step.started_at is None:
                self._change(replace(step, status=StepStatus.SKIPPED))
            else:
                status = StepStatus(ending.outcome.status)
                self._change(
                    end_step(step, StepChange(name=step.name, status=status), ending.finished_at, self.run.last_seq)
                )
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
        change = self._expected.pop(record.seq)
        self._change(apply_change(self._steps[change.name], change, record))
        return change.name if change.status is StepStatus.RUNNING else None

    def _change(self, step: RunStep) -> None:
        self._steps[step.name] = step
        self._changed_steps.add(step.name)


def _count_levels(records: Sequence[Record]) -> LevelCounts:
    # Not a Counter, which would hash each level: an enum's hash is Python code.
    levels = [record.level for record in records]
    return LevelCounts(
        levels.count(Level.DEBUG), levels.count(Level.INFO), levels.count(Level.WARNING), levels.count(Level.ERROR)
    )
