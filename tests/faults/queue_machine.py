"""Compares a store with the model of queues and resources: hypothesis chooses the calls."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from solorun.errors import ResourceBusy, RunActive, StoreFailure
from solorun.outcome import Outcome
from solorun.queueing import ConflictPolicy
from solorun.run import Cancel, Run
from solorun.status import Status, UpdateResult
from solorun.store import Batch, FinalState, NewRun, Store
from tests.contracts.builders import beginning
from tests.faults.queue_model import ModelRun, QueueModel

T = TypeVar("T")
OpenStore = Callable[[], Awaitable[Store]]

PROJECTS = ("a", "b", "c", "d")
NOW = datetime(2026, 3, 1, tzinfo=UTC)
NEEDS = st.sampled_from([{}, {}, {"gpu": 1}, {"gpu": 2}, {"gpu": 1, "disk": 1}])
STEP_NEEDS = st.sampled_from([{}, {"licence": 1}, {"licence": 1, "tape": 1}, {"tape": 1}])
ENDINGS = st.sampled_from([Status.COMPLETED, Status.FAILED, Status.CANCELLED, Status.INTERRUPTED])
IS_SLOW = st.sampled_from([False, False, False, True])
CHOICE = st.integers(0, 11)

queue_steps = Counter[str]()
"""The steps of all machines, for the table."""


class QueueMachine(RuleBasedStateMachine):
    """Services that die and follow each other, on one store."""

    open_store: OpenStore

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.model = QueueModel()
        self.services = 1
        self.owners: dict[int, str] = {}

    @initialize(gpu=st.integers(1, 3))
    def open(self, gpu: int) -> None:
        self.store = self._do(type(self).open_store())
        self.first_id = self._do(self._insert("first", {}, {}, ConflictPolicy.REJECT)).id
        self._do(self._finalize(self.first_id, Status.CANCELLED))
        self.declare(gpu)

    @rule(gpu=st.sampled_from([0, 1, 2, 2, 3]))
    def declare(self, gpu: int) -> None:
        self.model.declared = {"gpu": gpu, "disk": 1, "licence": 1, "tape": 1}
        self._do(self.store.declare_resources(self.model.declared))
        self.model.promote()
        self._compare()

    @rule(
        project=st.sampled_from(PROJECTS),
        policy=st.sampled_from([*ConflictPolicy, ConflictPolicy.QUEUE, ConflictPolicy.QUEUE]),
        needs=NEEDS,
        step_needs=STEP_NEEDS,
        is_slow=IS_SLOW,
    )
    def start(
        self, project: str, policy: ConflictPolicy, needs: dict[str, int], step_needs: dict[str, int], is_slow: bool
    ) -> None:
        answer: str
        run_id = 0
        try:
            run = self._do(self._insert(project, needs, step_needs, policy))
        except RunActive:
            answer = "active"
        except ResourceBusy:
            answer = "busy"
        else:
            answer, run_id = run.status.value, run.id
            self.owners[run.id] = run.worker or ""
        expected = self.model.start(ModelRun(run_id, project, needs, step_needs, ""), policy)
        assert answer == expected
        self._compare()
        self._begin(is_slow)

    @rule(choice=CHOICE, status=ENDINGS, is_slow=IS_SLOW)
    def end(self, choice: int, status: Status, is_slow: bool) -> None:
        if (run := self._choose(choice, "running")) is not None:
            self._do(self._end(run.id, status))
            self.model.end(run, status.value)
            self._compare()
            self._begin(is_slow)

    @rule(choice=CHOICE)
    def cancel_queued(self, choice: int) -> None:
        if (run := self._choose(choice, "queued")) is not None:
            self._do(self.store.request_cancel(run.id, Cancel(NOW, "anna")))
            self.model.end(run, "cancelled")
            self._compare()

    @rule(steps=st.integers(1, 4))
    def take_steps(self, steps: int) -> None:
        """The steps of some runs take their resources, or begin to wait."""
        for run in [run for run in self._with_status("running") if run.step_needs and not run.step_slots][:steps]:
            try:
                slots = self._do(self.store.take_step_slots(run.id, "work", owner=self.owner))
            except StoreFailure:
                assert self.owners[run.id] != self.owner
                continue
            assert (slots is not None) == self.model.take_step(run)
            assert (slots or {}) == run.step_slots
        self._compare()

    @rule(choice=CHOICE)
    def release_step(self, choice: int) -> None:
        holders = [run for run in self._with_status("running") if run.step_slots]
        if holders:
            run = holders[choice % len(holders)]
            self._do(self.store.release_step_slots(run.id, "work"))
            self.model.release_step(run)
            self._compare()

    @rule()
    def service_dies(self) -> None:
        """The next service ends what the last one executed. What had not begun waits on."""
        self.services += 1
        for orphan in self._do(self.store.list_orphaned_runs(self.owner)):
            self._do(self._finalize(orphan.id, Status.INTERRUPTED))
            self.model.end(self.model.runs[orphan.id], "interrupted")
        assert [run.id for run in self.model.runs.values() if run.status == "running"] == []
        self._compare()

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.loop.run_until_complete(self.store.close())
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()

    # -- internals

    def _begin(self, is_slow: bool) -> None:
        """The service executes what was promoted, and all its pending runs begin, unless it is slow."""
        if is_slow:
            return
        for run in self._do(self.store.claim_runs(owner=self.owner)):
            claimed = self.model.runs[run.id]
            assert (claimed.status, claimed.is_claimed) == ("pending", False)
            claimed.is_claimed = True
            self.owners[run.id] = self.owner
        for pending in self._with_status("pending"):
            if self.owners[pending.id] == self.owner:
                stored = self._do(self.store.get_run(pending.id))
                self._do(self.store.commit([beginning(stored, at=1)], owner=self.owner))
                pending.status = "running"
        self._compare()

    @property
    def owner(self) -> str:
        return f"service {self.services}"

    def _do(self, call: Awaitable[T]) -> T:
        queue_steps["steps"] += 1

        async def in_time() -> T:
            async with asyncio.timeout(60):
                return await call

        return self.loop.run_until_complete(in_time())

    def _choose(self, choice: int, status: str) -> ModelRun | None:
        known = self._with_status(status)
        return known[choice % len(known)] if known else None

    def _with_status(self, status: str) -> list[ModelRun]:
        return [run for run in self.model.runs.values() if run.status == status]

    async def _insert(
        self, project: str, needs: dict[str, int], step_needs: dict[str, int], policy: ConflictPolicy
    ) -> Run:
        new = NewRun(project, "full", "api", {}, NOW, ("work",), needs, {"work": step_needs}, on_conflict=policy)
        return await self.store.insert_run(new, owner=self.owner)

    async def _end(self, run_id: int, status: Status) -> None:
        if self.owners[run_id] != self.owner:
            await self._finalize(run_id, status)
        else:
            batch = Batch(await self.store.get_run(run_id), None, (), FinalState(Outcome(status), NOW))
            assert await self.store.commit([batch], owner=self.owner) == [UpdateResult.UPDATED]

    async def _finalize(self, run_id: int, status: Status) -> None:
        await self.store.finalize_run(run_id, owner=None, ending=FinalState(Outcome(status), NOW))

    def _compare(self) -> None:
        self._do(self._compare_all())

    async def _compare_all(self) -> None:
        stored = {run.id: run for run in await self.store.list_runs(limit=1000)}
        for run in self.model.runs.values():
            assert stored[run.id].status == run.status, run
            assert stored[run.id].replaces == run.replaces
            if run.is_active:
                assert stored[run.id].slots == run.slots
        assert {(hold.resource, hold.slot): hold.run_id for hold in await self.store.list_holds()} == self.model.held()
        queues = [[run.id for run in self.model.queue(project)] for project in PROJECTS]
        assert [run.id for run in await self.store.list_queued_runs()] == [run_id for ids in queues for run_id in ids]
