"""`check` finds violated invariants and repairs them. The rules are those of SQLite, whose tests cover each."""

import psycopg
import pytest

from solorun.errors import DatabaseUnusable
from solorun.run import RunStep
from solorun.status import StepStatus
from solorun.stores.postgres import PostgresRunStore
from tests.contracts.builders import OWNER, batch_of, ending, later, records, start
from tests.integration.postgres.conftest import OpenLease


async def fill(store: PostgresRunStore) -> None:
    run = await start(store)
    steps = [RunStep(step.name, StepStatus.COMPLETED, later(1), later(2)) for step in run.steps]
    await store.commit([batch_of(run, records(1, 9), steps=steps, end=ending())], owner=OWNER)
    await start(store, "glossary")


async def test_a_valid_database_has_no_findings(store: PostgresRunStore) -> None:
    await fill(store)

    assert await store.check(repair=True) == []


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("DROP INDEX runs_one_active_per_project", "The index runs_one_active_per_project is missing."),
        (
            "DROP INDEX runs_by_project; CREATE INDEX runs_by_project ON runs (project)",
            "The index runs_by_project is changed.",
        ),
        ("UPDATE runs SET finished_at = NULL WHERE status = 'completed'", "Run 1 is completed, but has no end time."),
        ("UPDATE runs SET last_seq = 7 WHERE id = 1", "The row of run 1 says its log ends at 7, but it ends at 9."),
        ("UPDATE segments SET info_count = 1", "Records 1-9 of run 1 do not match the level counts of their row."),
    ],
)
async def test_a_violation_is_found_and_repaired(
    store: PostgresRunStore, foreign: psycopg.Connection, damage: str, message: str
) -> None:
    await fill(store)
    foreign.execute(damage)

    found = await store.check()
    repaired = await store.check(repair=True)

    assert [finding.message for finding in found] == [message]
    assert repaired == found
    assert await store.check() == []


async def test_a_missing_column_cannot_be_repaired(store: PostgresRunStore, foreign: psycopg.Connection) -> None:
    foreign.execute("ALTER TABLE runs DROP COLUMN scope")

    (finding,) = await store.check(repair=True)

    assert "missing or changed: runs.scope" in finding.message
    assert finding.repair is None


async def test_nothing_is_repaired_while_a_service_runs(store: PostgresRunStore, open_lease: OpenLease) -> None:
    open_lease(OWNER).renew()

    with pytest.raises(DatabaseUnusable, match="Stop every service"):
        await store.check(repair=True)

    assert await store.check() == []
