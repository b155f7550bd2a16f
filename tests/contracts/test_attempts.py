"""The attempts of a step: stored with its other changes, and ended with the run if its service is gone."""

from msgspec.structs import replace

from solorun.run import Attempt, Run, RunStep
from solorun.status import Status, StepStatus, UpdateResult
from solorun.store import Store
from tests.contracts.builders import OWNER, batch_of, ending, later, records, start

FAILED = Attempt(1, StepStatus.FAILED, later(1), later(2), 75, "exit code 75", 1, 3)
WAITING = RunStep(
    "extract",
    StepStatus.WAITING,
    started_at=later(1),
    first_seq=1,
    max_attempts=3,
    attempts=(FAILED,),
    next_attempt_at=later(12),
)
TRYING = replace(
    WAITING,
    status=StepStatus.RUNNING,
    attempts=(FAILED, Attempt(2, StepStatus.RUNNING, later(12), first_seq=4)),
    next_attempt_at=None,
)


async def _with_step(store: Store, step: RunStep) -> Run:
    run = await start(store)
    assert await store.commit([batch_of(run, records(1, 4), steps=[step])], owner=OWNER) == [UpdateResult.UPDATED]
    return await store.get_run(run.id)


async def test_a_new_step_has_no_attempts(store: Store) -> None:
    run = await start(store)

    assert [(step.max_attempts, step.attempts, step.next_attempt_at) for step in run.steps] == [(1, (), None)] * 2


async def test_attempts_are_stored_as_they_are(store: Store) -> None:
    first, second = await _with_step(store, WAITING), None
    await store.commit([batch_of(first, end=ending())], owner=OWNER)
    second = await _with_step(store, TRYING)

    assert first.steps[0] == WAITING
    assert second.steps[0] == TRYING


async def test_a_lost_run_ends_the_step_that_waits_for_its_next_attempt(store: Store) -> None:
    run = await _with_step(store, WAITING)

    await store.finalize_run(run.id, owner=None, ending=ending(Status.INTERRUPTED, "lost"))

    step, skipped = (await store.get_run(run.id)).steps
    assert (step.status, step.finished_at, step.next_attempt_at) == (StepStatus.INTERRUPTED, later(60), None)
    assert step.attempts == (FAILED,)
    assert skipped.status is StepStatus.SKIPPED


async def test_a_lost_run_ends_the_attempt_that_was_running(store: Store) -> None:
    run = await _with_step(store, TRYING)

    await store.finalize_run(run.id, owner=None, ending=ending(Status.INTERRUPTED, "lost"))

    step = (await store.get_run(run.id)).steps[0]
    assert step.attempts == (
        FAILED,
        Attempt(2, StepStatus.INTERRUPTED, later(12), later(60), None, "lost", 4, run.last_seq),
    )
