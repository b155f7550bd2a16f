"""Compares RunManager with a model: hypothesis chooses the events, and the auditor checks the result."""

import asyncio

from hypothesis import strategies as st
from hypothesis.stateful import rule

from solorun.record import Stream
from solorun.status import Status
from tests.faults.engine_model import choose
from tests.faults.history import Kind
from tests.faults.modelled_engine import CHOICE, IN_AN_HOUR, RETRIES
from tests.faults.retention_rules import RetentionRules
from tests.faults.start_rules import StartRules


class RunManagerMachine(StartRules, RetentionRules):
    """All rules: starts, deletions, and those of clients, readers and steps."""

    # -- clients and readers

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

    # -- internals

    async def _last_seq(self, run_id: int) -> int:
        topic = self.engine.hub.find(run_id)
        if topic is not None:
            return topic.run.last_seq
        self.engine.faults.heal()
        return (await self.engine.store.get_run(run_id)).last_seq

    async def _read(self, run_id: int, after: int) -> None:
        self.trial.follow(run_id, after=after)
        await asyncio.sleep(0)
