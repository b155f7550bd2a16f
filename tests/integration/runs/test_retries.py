"""Steps that are tried again: which failures lead to another attempt, what is recorded, and what ends a pause."""

from pathlib import Path

import pytest

from solorun.outcome import StopReason
from solorun.project import StallTimeout
from solorun.record import Event, Level
from solorun.retries import Retries
from solorun.run import Run
from solorun.status import Status, StepStatus
from tests.fakes.engine import Engine, declare, open_engine
from tests.fakes.patience import PATIENCE_SECONDS
from tests.fakes.steps import ScriptedExecutor, ScriptedStep

ONE_STEP = ("load",)
SOON = 0.001
NEVER = 3600.0


def retries(count: int, *causes: str, delay: float = SOON) -> Retries:
    return Retries(count, delay, delay, frozenset(causes))


async def fail_once_then_wait(engine: Engine) -> Run:
    """A run whose first attempt has failed, in the pause before the second."""
    run = await engine.manager.start_run("handbook")
    (await engine.executor.step("load")).end("exit code 75", 75)
    topic = engine.hub.find(run.id)
    assert topic is not None
    await engine.until(lambda: topic.run.steps[0].status is StepStatus.WAITING)
    return topic.run


async def test_a_step_is_tried_again_until_it_succeeds(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=("load", "report"), retries=retries(2))) as engine:
        run = await engine.manager.start_run("handbook")
        for error in ("exit code 75", "exit code 1", None):
            (await engine.executor.step("load")).end(error, int(error.split()[-1]) if error else 0)
        (await engine.executor.step("report")).end()

        ended = await engine.end_of(run.id)

        load, report = ended.steps
        assert (ended.status, ended.error_message) == (Status.COMPLETED, None)
        assert (load.status, load.exit_code, load.error_message) == (StepStatus.COMPLETED, 0, None)
        assert [(each.number, each.status, each.exit_code, each.error_message) for each in load.attempts] == [
            (1, StepStatus.FAILED, 75, "exit code 75"),
            (2, StepStatus.FAILED, 1, "exit code 1"),
            (3, StepStatus.COMPLETED, 0, None),
        ]
        assert (load.max_attempts, load.next_attempt_at) == (3, None)
        assert (load.started_at, load.finished_at) == (load.attempts[0].started_at, load.attempts[2].finished_at)
        assert len(report.attempts) == 1
        assert [step.context.attempt for step in engine.executor.begun] == [1, 2, 3, 1]
        assert await engine.store.get_run(run.id) == ended


async def test_a_step_fails_as_its_last_attempt_did(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=ONE_STEP, retries=retries(1))) as engine:
        run = await engine.manager.start_run("handbook")
        (await engine.executor.step("load")).end("exit code 75", 75)
        (await engine.executor.step("load")).end("exit code 1", 1)

        ended = await engine.end_of(run.id)

        assert (ended.status, ended.error_message) == (Status.FAILED, "load: exit code 1")
        assert (ended.steps[0].exit_code, ended.steps[0].error_message) == (1, "exit code 1")


async def test_the_log_has_a_record_for_each_attempt(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=ONE_STEP, retries=retries(1))) as engine:
        run = await engine.manager.start_run("handbook")
        (await engine.executor.step("load")).end("exit code 75", 75)
        (await engine.executor.step("load")).end()
        ended = await engine.end_of(run.id)

        records = [record for record in await engine.log_of(run.id) if record.event is Event.STEP]

        assert [(record.level, record.message) for record in records] == [
            (Level.INFO, "load started, attempt 1 of 2"),
            (Level.WARNING, "attempt 1 of 2 failed: exit code 75; next in 0.0s"),
            (Level.INFO, "load started, attempt 2 of 2"),
            (Level.INFO, "load completed, attempt 2 of 2"),
        ]
        assert records[1].data == {"name": "load", "status": "waiting", "exit_code": 75, "attempt": 1}
        assert [(each.first_seq, each.last_seq) for each in ended.steps[0].attempts] == [
            (records[0].seq, records[1].seq),
            (records[2].seq, records[3].seq),
        ]


async def test_a_failure_that_retry_on_excludes_is_not_tried_again(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=ONE_STEP, retries=retries(5, "exit 75", "timeout"))) as engine:
        run = await engine.manager.start_run("handbook")
        (await engine.executor.step("load")).end("exit code 2", 2)

        ended = await engine.end_of(run.id)

        assert (ended.status, len(ended.steps[0].attempts)) == (Status.FAILED, 1)
        assert (await engine.log_of(run.id))[-1].message == (
            "load failed, attempt 1 of 6: exit code 2; not tried again, because retry_on excludes this failure"
        )


async def test_the_time_limit_of_a_step_holds_for_each_attempt(tmp_path: Path) -> None:
    project = declare(steps=ONE_STEP, step_timeout_seconds=0.05, retries=retries(1, "timeout"))
    async with open_engine(tmp_path, project) as engine:
        run = await engine.manager.start_run("handbook")

        ended = await engine.end_of(run.id)

        assert (ended.status, ended.error_message) == (Status.FAILED, "load timed out after 50ms")
        assert [(each.exit_code, each.error_message) for each in ended.steps[0].attempts] == [
            (None, "timed out after 50ms"),
            (None, "timed out after 50ms"),
        ]


async def test_a_step_that_writes_nothing_fails_and_is_tried_again(tmp_path: Path) -> None:
    project = declare(steps=ONE_STEP, stall_timeout=StallTimeout(0.05), retries=retries(1, "stall"))
    async with open_engine(tmp_path, project) as engine:
        run = await engine.manager.start_run("handbook")

        ended = await engine.end_of(run.id)

        assert (ended.status, ended.error_message) == (Status.FAILED, "load wrote nothing for 50ms")
        assert [each.error_message for each in ended.steps[0].attempts] == ["wrote nothing for 50ms"] * 2


async def test_a_step_that_has_exited_is_not_stopped_for_its_silence(tmp_path: Path) -> None:
    project = declare(steps=("load", "report"), stall_timeout=StallTimeout(0.05))
    async with open_engine(tmp_path, project, executor=ScriptedExecutor(prepare=ScriptedStep.exit)) as engine:
        run = await engine.manager.start_run("handbook")
        handle = engine.registry.find(run.id)
        assert handle is not None
        load = await engine.executor.step("load")
        await engine.until(lambda: handle.cancel_scope.reason is StopReason.STALL)
        load.end()
        (await engine.executor.step("report")).end()

        ended = await engine.end_of(run.id)

        assert (ended.status, load.graces) == (Status.COMPLETED, [])


async def test_a_step_that_writes_nothing_gets_a_warning(tmp_path: Path) -> None:
    project = declare(steps=ONE_STEP, stall_timeout=StallTimeout(0.05, "warn"))
    async with open_engine(tmp_path, project) as engine:
        run = await engine.manager.start_run("handbook")
        topic = engine.hub.find(run.id)
        assert topic is not None
        await engine.until(lambda: topic.run.level_counts.warning == 1)
        (await engine.executor.step("load")).end()

        ended = await engine.end_of(run.id)

        assert (ended.status, ended.steps[0].attempts) == (Status.COMPLETED, ())
        assert (await engine.log_of(run.id))[1].message == "load has written nothing for 50ms"


async def test_a_cancel_ends_the_pause(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=("load", "report"), retries=retries(1, delay=NEVER))) as engine:
        waiting = await fail_once_then_wait(engine)

        await engine.manager.cancel_run(waiting.id)
        ended = await engine.end_of(waiting.id)

        load, report = ended.steps
        assert (ended.status, ended.error_message) == (Status.CANCELLED, None)
        assert (load.status, load.next_attempt_at, report.status) == (StepStatus.CANCELLED, None, StepStatus.SKIPPED)
        assert [each.status for each in load.attempts] == [StepStatus.FAILED]
        assert ended.cancel is not None
        assert (ended.cancel.effect, ended.cancel.signalled_at) == (None, None)


async def test_the_project_stays_taken_while_a_step_waits(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=ONE_STEP, retries=retries(1, delay=NEVER))) as engine:
        waiting = await fail_once_then_wait(engine)

        assert (waiting.status, waiting.current_step) == (Status.RUNNING, None)
        assert waiting.steps[0].next_attempt_at is not None
        assert waiting.steps[0].attempts[0].finished_at is not None
        assert engine.registry.find_by_project("handbook") is not None
        assert await engine.store.get_run(waiting.id) == waiting


async def test_the_time_limit_of_the_run_ends_the_pause(tmp_path: Path) -> None:
    project = declare(steps=ONE_STEP, timeout_seconds=0.2, retries=retries(1, delay=NEVER))
    async with open_engine(tmp_path, project) as engine:
        run = await engine.manager.start_run("handbook")
        (await engine.executor.step("load")).end("exit code 75", 75)

        ended = await engine.end_of(run.id)

        assert (ended.status, ended.error_message) == (Status.FAILED, "the run timed out after 200ms")
        assert ended.steps[0].error_message == "the run timed out after 200ms"


async def test_a_shutdown_ends_the_pause(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=ONE_STEP, retries=retries(1, delay=NEVER))) as engine:
        waiting = await fail_once_then_wait(engine)

        await engine.manager.drain(PATIENCE_SECONDS)
        ended = await engine.store.get_run(waiting.id)

        assert (ended.status, ended.steps[0].status) == (Status.INTERRUPTED, StepStatus.INTERRUPTED)


async def test_a_service_killed_in_the_pause_leaves_the_run_interrupted(tmp_path: Path) -> None:
    project = declare(steps=("load", "report"), retries=retries(1, delay=NEVER))
    async with open_engine(tmp_path, project, owner="killed", drain=False) as engine:
        waiting = await fail_once_then_wait(engine)
        engine.faults.die()

    async with open_engine(tmp_path, project, owner="next") as engine:
        ended = await engine.store.get_run(waiting.id)

        load, report = ended.steps
        assert (ended.status, engine.executor.begun) == (Status.INTERRUPTED, [])
        assert (load.status, load.next_attempt_at, report.status) == (StepStatus.INTERRUPTED, None, StepStatus.SKIPPED)
        assert [each.status for each in load.attempts] == [StepStatus.FAILED]


async def test_a_service_killed_in_an_attempt_leaves_the_attempt_interrupted(tmp_path: Path) -> None:
    project = declare(steps=ONE_STEP, retries=retries(1))
    async with open_engine(tmp_path, project, owner="killed", drain=False) as engine:
        run = await engine.manager.start_run("handbook")
        topic = engine.hub.find(run.id)
        assert topic is not None
        (await engine.executor.step("load")).end("exit code 75", 75)
        await engine.until(lambda: len(topic.run.steps[0].attempts) == 2)
        engine.faults.die()

    async with open_engine(tmp_path, project, owner="next") as engine:
        ended = await engine.store.get_run(run.id)

        assert [each.status for each in ended.steps[0].attempts] == [StepStatus.FAILED, StepStatus.INTERRUPTED]
        assert ended.steps[0].attempts[1].finished_at == ended.finished_at


@pytest.mark.parametrize("reason", [StopReason.CANCEL, StopReason.SHUTDOWN, StopReason.LOG_LIMIT])
async def test_a_run_that_must_stop_while_an_attempt_is_stopped_has_no_further_one(
    tmp_path: Path, reason: StopReason
) -> None:
    executor = ScriptedExecutor(unkillable=True)
    project = declare(steps=ONE_STEP, step_timeout_seconds=0.05, retries=retries(5))
    async with open_engine(tmp_path, project, executor=executor) as engine:
        run = await engine.manager.start_run("handbook")
        step = await engine.executor.step("load")
        await step.stop_requested.wait()
        handle = engine.registry.find(run.id)
        assert handle is not None
        handle.cancel_scope.cancel(reason)
        step.end("killed by SIGTERM", -15)

        ended = await engine.end_of(run.id)

        assert (ended.status, ended.error_message) == (Status.FAILED, "load timed out after 50ms")
        assert len(engine.executor.begun) == 1
