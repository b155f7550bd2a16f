"""The rules of the state machine that start runs, in every way."""

import asyncio
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st
from hypothesis.stateful import rule

from solorun.idempotency_key import KEY_LIFETIME, IdempotencyKey
from solorun.run import Run
from solorun.schedule import Firing
from solorun.status import Status
from tests.faults.engine_model import STEPS, ModelRun, choose, steps_from
from tests.faults.history import Kind
from tests.faults.modelled_engine import CHOICE, PROJECTS, STORE_FAILURES, ModelledEngine

MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)


class StartRules(ModelledEngine):
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
        if answer.value == "run-not-found":
            # The run was deleted. Its key starts no other one.
            assert known not in self._known_ids()
            assert known is not None or (project, key) in self.unanswered
        elif run is None and project in self.active and known is None:
            assert (answer.kind, answer.value) == (Kind.FAIL, self.active[project].id)
        elif run is None:
            assert (answer.kind, answer.value) in STORE_FAILURES
            self.unanswered.add((project, key))
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

    @rule(project=st.sampled_from(PROJECTS), hour=st.integers(0, 2))
    def start_when_due(self, project: str, hour: int) -> None:
        """As a scheduler does, which may see the same due time again after a restart or a jump of its clock."""
        due = MIDNIGHT + timedelta(hours=hour)
        run = self._do(self.trial.start_due(project, Firing(project, project, due, self._now())))
        answer = self.trial.answer
        assert answer is not None
        if run is not None:
            assert (project, hour) not in self.fired
            assert project not in self.active
            self.fired[project, hour] = run.id
            self.active[project] = ModelRun(run.id)
            self._wait_for_step(project)
        elif (active := self.active.get(project)) is not None:
            assert (answer.kind, answer.value) == (Kind.FAIL, active.id)
        elif answer.value == "start-repeated":
            assert (project, hour) in self.fired or (project, hour) in self.unanswered
        else:
            assert (answer.kind, answer.value) in STORE_FAILURES
            self.unanswered.add((project, hour))

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

    def _known_ids(self) -> set[int]:
        return {*self.ended, *(active.id for active in self.active.values())}
