"""The rules of the state machine that pin runs, and that delete old ones."""

from collections.abc import Iterable
from unittest.mock import patch

from hypothesis import strategies as st
from hypothesis.stateful import rule

from solorun.artifacts import DirectoryArtifacts
from solorun.errors import StoreCorrupted, StoreFailure, StoreUnavailable
from solorun.run import Run
from solorun.runs import Pruner
from solorun.settings import DataDirectory
from solorun.status import Status
from tests.faults.engine_model import choose
from tests.faults.modelled_engine import CHOICE, KEEP, PROJECTS, ModelledEngine

FAILURES = (StoreUnavailable, StoreCorrupted, StoreFailure)
RESULTS = (Status.COMPLETED, Status.FAILED, Status.INTERRUPTED)
MAX_PASSES = 20


class RetentionRules(ModelledEngine):
    @rule(choice=CHOICE, pinned=st.booleans())
    def pin(self, choice: int, pinned: bool) -> None:
        """Pins or unpins a run that is active or has ended."""
        run_id = choose(choice, [*self.ended, *(active.id for active in self.active.values())])
        if run_id is None:
            return
        try:
            run = self._do(self.engine.manager.set_pinned(run_id, pinned))
        except FAILURES:
            # Whether it was pinned is unknown.
            self.engine.faults.heal()
            run = self._do(self.engine.store.get_run(run_id))
        else:
            assert run.pinned == pinned
        (self.pinned.add if run.pinned else self.pinned.discard)(run_id)

    @rule()
    def prune(self) -> None:
        """Deletes what is not kept. Pinned and active runs stay, and so does what the next run is compared with."""
        before = after = {run.id: run for run in self._list_runs()}
        passes = 0
        # A run that ends during a pass may exceed the limit only after it.
        while left := [run.id for project in PROJECTS for run in self._find_excess(project, after.values())]:
            passes += 1
            assert passes < MAX_PASSES, f"the runs {left} are never deleted"
            try:
                self._do(self._prune())
            except FAILURES:
                self.engine.faults.heal()
            after = {run.id: run for run in self._list_runs()}
        gone = before.keys() - after.keys()
        assert not gone & self.pinned
        assert not gone & {active.id for active in self.active.values()}
        for run in (before[run_id] for run_id in gone):
            newer = [each for each in after.values() if each.project == run.project and each.id > run.id]
            assert run.has_ended
            assert len(newer) >= (KEEP.runs or 0)
        self.ended = {run_id: run for run_id, run in self.ended.items() if run_id in after}

    async def _prune(self) -> None:
        pruner = Pruner(
            store=self.engine.store,
            projects=self.engine.projects,
            artifacts=DirectoryArtifacts(DataDirectory(self.directory)),
            now=self._now,
            pause_ratio=0,
        )
        with patch("solorun.runs.pruner.MIN_PAUSE_SECONDS", 0):
            await pruner.prune()

    def _list_runs(self) -> list[Run]:
        return self._do(self.engine.store.list_runs(limit=1_000))

    def _find_excess(self, project: str, runs: Iterable[Run]) -> list[Run]:
        """The ended runs of a project that a pass should have deleted."""
        ended = sorted((run for run in runs if run.project == project and run.has_ended), key=lambda run: -run.id)
        completed = [run.id for run in ended if run.status is Status.COMPLETED]
        results = [run for run in ended if run.status in RESULTS and run.finished_at is not None]
        latest = max((run.finished_at for run in results if run.finished_at is not None), default=None)
        return [
            run
            for run in ended[KEEP.runs :]
            if not (run.pinned or run.id in completed[:1] or (run in results and run.finished_at == latest))
        ]
