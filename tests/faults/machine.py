"""Compares RunManager with a model: hypothesis chooses the events, and the auditor checks the result."""

import asyncio
from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from solorun.errors import StoreCorrupted, StoreFailure, StoreUnavailable
from solorun.idempotency_key import KEY_LIFETIME, IdempotencyKey
from solorun.record import Stream
from solorun.retries import Retries
from solorun.run import Run
from solorun.status import Status, StepStatus
from tests.fakes.engine import declare
from tests.faults.engine_machine import EngineMachine
from tests.faults.engine_model import STEPS, ModelRun, choose, steps_from
from tests.faults.history import Kind
from tests.faults.trial import WitnessedStep, until

CHOICE = st.integers(0, 11)
"""An index into the existing runs. Their number depends on timing, but a failing example must be reproducible."""

NO_RETRIES, AT_ONCE, IN_AN_HOUR = Retries(), Retries(1, 0, 1), Retries(1, 4_800, 4_800)
RETRIES = {"extract": NO_RETRIES, "deploy": AT_ONCE, "load": IN_AN_HOUR}
PROJECTS = tuple(RETRIES)
WRITES = ("insert_run", "request_cancel", "commit", "finalize_run", "compact_segments")
READS = ("get_run", "find_active_run", "find_latest_run", "read_segments")


STORE_FAILURES = {(Kind.FAIL, "store-unavailable"), (Kind.FAIL, "internal")}


class RunManagerMachine(EngineMachine):
    """Projects of two steps, and any number of engines on one directory, one after another.

    A failed step of one project is tried again, and that of another waits for its next attempt.
    """

    def __init__(self) -> None:
        super().__init__(tuple(declare(name, steps=STEPS, retries=retries) for name, retries in RETRIES.items()))
        self.active: dict[str, ModelRun] = {}
        self.ended: dict[int, Run] = {}
        self.keyed: dict[tuple[str, str], int] = {}
        """The run to which each key of a project has led."""

    # -- the engine

    @initialize()
    def open_engine(self) -> None:
        self._open()

    @rule()
    def crash(self) -> None:
        self._crash()
        self._open()

    @rule()
    def restart(self) -> None:
        self._do(self._drain())
        self._stop()
        self._open()

    # -- clients

    @rule(project=st.sampled_from(PROJECTS))
    def start(self, project: str) -> None:
        run = self._do(self.trial.start(project))
        answer = self.trial.answer
        assert answer is not None
        if (active := self.active.get(project)) is not None:
            assert (answer.kind, answer.value) == (Kind.FAIL, active.id)
        elif run is None:
            assert (answer.kind, answer.value) in STORE_FAILURES
        else:
            self.active[project] = ModelRun(run.id)
            self._wait_for_step(project)

    @rule(project=st.sampled_from(PROJECTS), key=st.sampled_from("abc"))
    def start_with_key(self, project: str, key: str) -> None:
        if abs(self.offset) > KEY_LIFETIME / 3:
            return  # The clock's jumps may have added up to the lifetime of a key.
        run, is_replayed = self._do(self.trial.start_once(project, IdempotencyKey(key, b"")))
        answer, known = self.trial.answer, self.keyed.get((project, key))
        assert answer is not None
        if run is None and project in self.active and known is None:
            assert (answer.kind, answer.value) == (Kind.FAIL, self.active[project].id)
        elif run is None:
            assert (answer.kind, answer.value) in STORE_FAILURES
        elif is_replayed:
            # A start that was not acknowledged before a crash has led to an interrupted run.
            assert known == run.id or (known is None and run.status is Status.INTERRUPTED)
            self.keyed[project, key] = run.id
        else:
            assert known is None
            assert project not in self.active
            self.keyed[project, key] = run.id
            self.active[project] = ModelRun(run.id)
            self._wait_for_step(project)

    @rule(choice=CHOICE, from_step=st.sampled_from(["start", "failed", *STEPS]))
    def rerun(self, choice: int, from_step: str) -> None:
        """A start like any other, of the rest of an ended run."""
        if (run_id := choose(choice, self.ended)) is None:
            return
        original = self.ended[run_id]
        steps = steps_from(original, from_step)
        run = self._do(self.trial.rerun(original, from_step))
        answer = self.trial.answer
        assert answer is not None
        active = self.active.get(original.project)
        if run is None:
            refusal = "invalid-request" if not steps else active.id if active is not None else None
            assert (answer.kind, answer.value) in {(Kind.FAIL, refusal), *STORE_FAILURES}
        else:
            assert steps
            assert active is None
            assert (run.rerun_of, [step.name for step in run.steps]) == (original.id, steps)
            self.active[original.project] = ModelRun(run.id, steps)
            self._wait_for_step(original.project)

    @rule(project=st.sampled_from(PROJECTS), starts=st.integers(2, 8))
    def race(self, project: str, starts: int) -> None:
        """Concurrent starts: one winner at a time."""

        async def race() -> list[Run | None]:
            return await asyncio.gather(*(self.trial.start(project) for _ in range(starts)))

        winners = [run for run in self._do(race()) if run is not None]
        assert not (winners and project in self.active)
        for run in winners:
            # If the store fails to begin a run, that run fails immediately, and another start may win.
            assert project not in self.active
            self.active[project] = ModelRun(run.id)
            self._wait_for_step(project)

    @rule(choice=CHOICE)
    def cancel(self, choice: int) -> None:
        if (project := choose(choice, self.active)) is None:
            return
        run = self.active[project]
        self._do(self.trial.cancel(run.id))
        answer = self.trial.answer
        assert answer is not None
        assert answer.kind is Kind.OK or answer.value in {"store-unavailable", "internal"}
        run.cancel_requested = True
        if run.is_waiting or not self._step(run).unkillable:
            self._expect_end(project, Status.CANCELLED)

    @rule(choice=CHOICE)
    def cancel_ended_run(self, choice: int) -> None:
        if (run_id := choose(choice, self.ended)) is None:
            return
        self._do(self.trial.cancel(run_id))
        answer = self.trial.answer
        assert answer is not None
        if answer.kind is Kind.OK:
            assert self.ended[run_id].status is Status.CANCELLED
        elif answer.value == "run-not-active":
            assert self.ended[run_id].status is not Status.CANCELLED

    @rule(run=st.integers(1, 12), after=st.integers(0, 6))
    def reader_connects(self, run: int, after: int) -> None:
        run_id = choose(run, [*self.ended, *(active.id for active in self.active.values())])
        if run_id is not None:
            last_seq = self._do(self._last_seq(run_id))
            self._do(self._read(run_id, min(after, last_seq)))

    @rule()
    def readers_disconnect(self) -> None:
        self._do(self.trial.disconnect_readers())

    # -- steps

    @rule(choice=CHOICE, error=st.sampled_from([None, "exit code 1"]))
    def step_ends(self, choice: int, error: str | None) -> None:
        if (project := choose(choice, self._with_work())) is None:
            return
        run = self.active[project]
        self._step(run).end(error, 1 if error else 0)
        if run.cancel_requested:
            self._expect_end(project, Status.CANCELLED)
        elif error and run.attempt < RETRIES[project].max_attempts:
            run.is_waiting = RETRIES[project] is IN_AN_HOUR
            self._expect_next_attempt(project)
        elif error:
            self._expect_end(project, Status.FAILED)
        elif run.step + 1 == len(run.steps):
            self._expect_end(project, Status.COMPLETED)
        else:
            run.step, run.attempt = run.step + 1, 1
            self._wait_for_step(project)

    @rule(choice=CHOICE, lines=st.lists(st.text(max_size=20), min_size=1, max_size=5))
    def step_logs(self, choice: int, lines: list[str]) -> None:
        if (project := choose(choice, self._with_work())) is None:
            return
        step = self._step(self.active[project])
        self._do(step.context.output.write(step.context.name, Stream.STDOUT, lines))
        self._do(step.context.progress(len(lines), None, lines[0]))

    @rule(choice=CHOICE)
    def step_ignores_its_cancellation(self, choice: int) -> None:
        if (project := choose(choice, self._with_work())) is not None:
            self._step(self.active[project]).unkillable = True

    # -- the environment

    @rule(seconds=st.sampled_from([-3600.0, -1.0, 0.5, 3600.0]))
    def clock_jumps(self, seconds: float) -> None:
        self.offset += timedelta(seconds=seconds)

    @rule(
        method=st.sampled_from(WRITES + READS),
        error=st.sampled_from([StoreUnavailable, StoreCorrupted, StoreFailure]),
        afterwards=st.booleans(),
        times=st.integers(1, 3),
    )
    def store_fails(self, method: str, error: type[Exception], afterwards: bool, times: int) -> None:
        """The next calls fail, before or after they take effect."""
        faults = self.engine.faults
        (faults.fail_after if afterwards else faults.fail)(method, *[error() for _ in range(times)])

    @rule()
    def store_recovers(self) -> None:
        self.engine.faults.heal()

    # -- the end

    def teardown(self) -> None:
        try:
            if self._task is not None:
                self._do(self._drain())
                assert self._do(self.engine.store.check()) == []
                self._stop()
                assert self.trial.audit() == []
        finally:
            super().teardown()

    # -- internals

    def _open(self) -> None:
        super()._open()
        for run in self.active.values():
            self.ended[run.id] = self._do(self.engine.store.get_run(run.id))
            assert self.ended[run.id].status is Status.INTERRUPTED
        self.active.clear()
        assert self.engine.manager.list_active_runs() == []

    async def _drain(self) -> None:
        """Once the faults are cleared and the steps can be killed, all runs end."""
        self.engine.faults.heal()
        for run in [self.active[project] for project in self._with_work()]:
            step = self._step(run)
            step.unkillable = False
            if step.stop_requested.is_set():
                step.end("killed by SIGKILL", -9)
        await self.engine.manager.drain(10)
        for run in self.active.values():
            self.ended[run.id] = await self.engine.store.get_run(run.id)
            expected = Status.CANCELLED if run.cancel_requested else Status.INTERRUPTED
            assert self.ended[run.id].status is expected
        self.active.clear()

    def _step(self, run: ModelRun) -> WitnessedStep:
        return self.trial.executor.steps[run.id]

    def _with_work(self) -> list[str]:
        """The projects with a step in progress."""
        return [project for project, run in self.active.items() if not run.is_waiting]

    def _expect_next_attempt(self, project: str) -> None:
        run = self.active[project]
        if not run.is_waiting:
            run.attempt += 1
            self._wait_for_step(project)
            return
        topic = self.engine.hub.find(run.id)
        assert topic is not None
        self.engine.faults.heal()
        self._do(until(lambda: topic.run.steps[run.step].status is StepStatus.WAITING))
        assert topic.run.current_step is None

    def _wait_for_step(self, project: str) -> None:
        """The run's next step begins, or the run fails because the store could not begin it."""
        run = self.active[project]

        def begun() -> bool:
            step = self.trial.executor.steps.get(run.id)
            expected = run.steps[run.step], run.attempt
            return step is not None and (step.context.name, step.context.attempt) == expected

        self._do(until(lambda: begun() or self._has_ended(run)))
        if not begun():
            self._expect_end(project, Status.FAILED)

    def _expect_end(self, project: str, status: Status) -> None:
        run = self.active.pop(project)
        self._do(until(lambda: self._has_ended(run)))
        self.engine.faults.heal()
        self.ended[run.id] = self._do(self.engine.store.get_run(run.id))
        assert self.ended[run.id].status is status
        tried = RETRIES[project] is not NO_RETRIES
        assert len(self.ended[run.id].steps[run.step].attempts) == (run.attempt if tried else 0)

    def _has_ended(self, run: ModelRun) -> bool:
        return run.id not in {active.id for active in self.engine.manager.list_active_runs()}

    async def _last_seq(self, run_id: int) -> int:
        topic = self.engine.hub.find(run_id)
        if topic is not None:
            return topic.run.last_seq
        self.engine.faults.heal()
        return (await self.engine.store.get_run(run_id)).last_seq

    async def _read(self, run_id: int, after: int) -> None:
        self.trial.follow(run_id, after=after)
        await asyncio.sleep(0)
