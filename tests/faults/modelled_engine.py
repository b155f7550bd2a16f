"""An engine beside its model: what is active, what has ended, and which keys and due times have led to runs."""

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from solorun.errors import StoreCorrupted, StoreFailure, StoreUnavailable
from solorun.project import Keep
from solorun.retries import Retries
from solorun.run import Run
from solorun.status import Status, StepStatus
from tests.fakes.engine import declare
from tests.fakes.patience import PATIENCE_SECONDS
from tests.faults.engine_machine import EngineMachine
from tests.faults.engine_model import STEPS, ModelRun
from tests.faults.history import Kind
from tests.faults.trial import WitnessedStep, until

CHOICE = st.integers(0, 11)
"""An index into the existing runs. Their number depends on timing, but a failing example must be reproducible."""

NO_RETRIES, AT_ONCE, IN_AN_HOUR = Retries(), Retries(1, 0, 1), Retries(1, 4_800, 4_800)
RETRIES = {"extract": NO_RETRIES, "deploy": AT_ONCE, "load": IN_AN_HOUR}
PROJECTS = tuple(RETRIES)
KEEP = Keep(runs=2)
WRITES = (
    "insert_run",
    "request_cancel",
    "commit",
    "finalize_run",
    "compact_segments",
    "set_pinned",
    "expire_runs",
    "delete_expired",
)
READS = ("get_run", "find_active_run", "find_latest_run", "read_segments")


STORE_FAILURES = {(Kind.FAIL, "store-unavailable"), (Kind.FAIL, "internal")}


class ModelledEngine(EngineMachine):
    """Projects of two steps, and any number of engines on one directory, one after another.

    A failed step of one project is tried again, and that of another waits for its next attempt.
    """

    def __init__(self) -> None:
        super().__init__(
            tuple(declare(name, steps=STEPS, retries=retries, keep=KEEP) for name, retries in RETRIES.items())
        )
        self.active: dict[str, ModelRun] = {}
        self.ended: dict[int, Run] = {}
        self.keyed: dict[tuple[str, str], int] = {}
        """The run to which each key of a project has led."""
        self.fired: dict[tuple[str, int], int] = {}
        """The run that each due time of a project has started."""
        self.unanswered: set[tuple[str, str | int]] = set()
        """The keys and due times of starts that may have been committed without an answer."""
        self.pinned: set[int] = set()

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
        await self.engine.manager.drain(PATIENCE_SECONDS)
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
