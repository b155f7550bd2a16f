"""A submitted start: the row that it inserts, and what it has led to."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from solorun.execution import AdmittedStart
from solorun.logs import Masker
from solorun.queueing import ConflictPolicy, StartResult
from solorun.run import Run
from solorun.runs.parameters import mask_params
from solorun.status import Status
from solorun.store import NewRun
from solorun.trace_context import find_traceparent


@dataclass(frozen=True, slots=True)
class Submission:
    """What a start has led to: a pending or queued run, or the active run that it has joined.

    `replayed` if an earlier start with its key has led to it.
    """

    run: Run
    result: StartResult
    replayed: bool = False

    @classmethod
    def of(cls, run: Run, policy: ConflictPolicy) -> Self:
        """The submission of a run that was just inserted."""
        is_queued = run.status is Status.QUEUED and policy is not ConflictPolicy.REPLACE
        return cls(run, StartResult.QUEUED if is_queued else StartResult.STARTED)

    @property
    def joined(self) -> bool:
        return self.result is StartResult.JOINED


def new_run(start: AdmittedStart, masker: Masker, created_at: datetime, *, is_for_worker: bool = False) -> NewRun:
    """The run to insert for an admitted start, with its secrets masked."""
    project = start.project
    timeout = project.queue_timeout_seconds
    params = mask_params(start, masker)
    return NewRun(
        project=project.name,
        scope=start.scope,
        triggered_by=masker.mask(start.triggered_by),
        params=params,
        unmasked_params={name: value for name, value in start.params.items() if params[name] != value},
        created_at=created_at,
        steps=tuple(step.name for step in start.steps),
        resources=project.resources,
        step_resources={step.name: step.resources for step in start.steps if step.resources},
        on_conflict=start.on_conflict,
        rerun_of=start.rerun_of,
        queue_max=project.queue_max,
        queue_deadline=None if timeout is None else created_at + timedelta(seconds=timeout),
        key=start.key,
        firing=start.firing,
        notify=project.subscriptions,
        labels=start.labels,
        pipeline=start.pipeline,
        traceparent=find_traceparent(start.trace),
        is_for_worker=is_for_worker,
    )
