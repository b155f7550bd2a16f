"""Tests the auditor: it accepts deletions of ended runs, and reports those of pinned and active ones."""

from pathlib import Path

import pytest

from solorun.store import Store
from solorun.stores.sql.queries import QUERIES
from tests.faults.trial import Trial


async def delete(store: Store, run_id: int, trial: Trial) -> None:
    await store.expire_runs([run_id], at=trial.now())
    await store.delete_expired(at=trial.now())


async def run_and_delete(trial: Trial, *, pinned: bool = False, ended: bool = True) -> list[str]:
    """A run that a reader follows, and its deletion."""
    async with trial.engine() as engine:
        run = await trial.start()
        assert run is not None
        trial.follow(run.id)
        step = await trial.executor.step("work")
        if ended:
            step.end()
            await engine.end_of(run.id)
        await engine.store.set_pinned(run.id, pinned)
        await delete(engine.store, run.id, trial)
        step.end()
    return trial.audit(at_rest=ended)


async def test_the_deletion_of_an_ended_run_passes(tmp_path: Path) -> None:
    trial = Trial(tmp_path)

    assert await run_and_delete(trial) == []
    assert trial.audit() == []


async def test_the_deletion_of_a_pinned_run_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expire = QUERIES["expire_run"].replace("AND pinned = 0", "")
    monkeypatch.setattr("solorun.stores.sql.retention.QUERIES", {**QUERIES, "expire_run": expire})

    violations = await run_and_delete(Trial(tmp_path), pinned=True)

    assert violations == ["transitions_are_legal: run 1 expired while it was pinned"]


async def test_the_deletion_of_an_active_run_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expire = QUERIES["expire_run"].replace("AND status NOT IN ('queued', 'pending', 'running')", "")
    monkeypatch.setattr("solorun.stores.sql.retention.QUERIES", {**QUERIES, "expire_run": expire})

    violations = await run_and_delete(Trial(tmp_path), ended=False)

    assert any("run 1 expired while it was" in violation for violation in violations)


async def test_a_row_that_is_deleted_without_having_expired_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    delete = QUERIES["delete_expired_run"].replace(" AND expired_at IS NOT NULL", "")
    find = "SELECT id FROM runs ORDER BY id LIMIT :limit;"
    queries = {**QUERIES, "delete_expired_run": delete, "list_expired_runs": find}
    queries["expire_run"] = QUERIES["expire_run"].replace("WHERE", "WHERE FALSE AND")
    monkeypatch.setattr("solorun.stores.sql.retention.QUERIES", queries)

    assert await run_and_delete(Trial(tmp_path)) == ["transitions_are_legal: run 1 went from completed to None"]
