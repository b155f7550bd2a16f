"""The doctor finds and reports violated invariants, and repairs those that can be repaired."""

import os
import re
import sqlite3
from dataclasses import replace as replace_fields
from pathlib import Path

import pytest
from msgspec.structs import replace
from zstandard import ZstdCompressor

from solorun.idempotency_key import IdempotencyKey
from solorun.record import Event, Level
from solorun.run import LevelCounts, RunStep
from solorun.status import Status, StepStatus
from solorun.stores.sqlite import SqliteRunStore
from solorun.wire.encoding import encode_records
from tests.contracts.builders import OWNER, batch_of, end, ending, later, new_run, read_all, records, start, write
from tests.integration.stores.conftest import OpenStore


async def _fill(store: SqliteRunStore) -> None:
    """Run 1 completed with 9 records, run 2 failed with none, run 3 running with 4, run 4 pending."""
    run = await start(store, "handbook")
    step = RunStep("extract", StepStatus.COMPLETED, later(1), later(5), 0, None, 1, 9)
    content = [*records(1, 3), *records(4, 6, level=Level.ERROR)]
    await store.commit([batch_of(run, content, steps=[step, RunStep("review", StepStatus.SKIPPED)])], owner=OWNER)
    await end(store, await write(store, await store.get_run(run.id), records(7, 9)))
    failed = await start(store, "report")
    await store.finalize_run(failed.id, owner=OWNER, ending=ending(Status.FAILED, "x"))
    running = await start(store, "glossary")
    step = RunStep("extract", StepStatus.RUNNING, later(1), None, None, None, 1, None)
    await store.commit([batch_of(running, records(1, 4), steps=[step])], owner=OWNER)
    await store.insert_run(replace_fields(new_run("etl"), key=IdempotencyKey("nightly", b"")), owner=OWNER)


def _blob(content: bytes) -> str:
    return f"x'{ZstdCompressor().compress(content).hex()}'"


_WITH_EVENTS = [replace(record, event=Event.PROGRESS, data={"current": record.seq}) for record in records(1, 4)]

_REPAIRABLE = {
    "a step of no run": (
        "INSERT INTO steps (run_id, position, name, status) VALUES (99, 0, 'a', 'pending')",
        99,
        "Steps exist for run 99, which does not exist",
    ),
    "records of no run": (
        "INSERT INTO segments SELECT 99, 99, 1, 2, 0, 2, 0, 0, 10, x'00', 0",
        99,
        "Records exist for run 99, which does not exist",
    ),
    "secrets of an ended run": (
        'INSERT INTO unmasked_params (run_id, params) VALUES (1, \'{"token": "correct horse"}\')',
        1,
        "The secret parameters of run 1 are still stored, although it is not active",
    ),
    "two active runs": (
        "DROP INDEX runs_one_active_per_project; UPDATE runs SET project = 'glossary' WHERE id = 4",
        3,
        "Run 3 of project glossary is active although run 4 is too",
    ),
    "no unique index": ("DROP INDEX runs_one_active_per_project", None, "index runs_one_active_per_project is missing"),
    "an index that is not unique": (
        "DROP INDEX runs_one_active_per_project;"
        " CREATE INDEX runs_one_active_per_project ON runs (project) WHERE status = 'running'",
        None,
        "index runs_one_active_per_project is changed",
    ),
    "no owner": ("UPDATE runs SET owner = '' WHERE id = 3", 3, "no service executes it"),
    "ended without an end time": ("UPDATE runs SET finished_at = NULL WHERE id = 1", 1, "has no end time"),
    "active with an end time": ("UPDATE runs SET finished_at = 1 WHERE id = 3", 3, "is running, but has an end time"),
    "pending but started": ("UPDATE runs SET started_at = 1 WHERE id = 4", 4, "pending, but has started"),
    "pending with a running step": (
        "UPDATE steps SET status = 'running' WHERE run_id = 4 AND position = 0",
        4,
        "pending, but has started",
    ),
    "running without a start time": ("UPDATE runs SET started_at = NULL WHERE id = 3", 3, "has no start time"),
    "a step that did not end": (
        "UPDATE steps SET status = 'running' WHERE run_id = 2 AND name = 'extract'",
        2,
        "Step extract of run 2 is running, but the run is failed",
    ),
    "a step that never began": (
        "UPDATE steps SET status = 'pending' WHERE run_id = 2 AND name = 'extract'",
        2,
        "Step extract of run 2 is pending, but the run is failed",
    ),
    "a step beyond the log": ("UPDATE steps SET last_seq = 99 WHERE run_id = 1 AND position = 0", 1, "which ends at 9"),
    "an end before the last record": ("UPDATE runs SET last_seq = 8 WHERE id = 3", 3, "ends at 8, but it ends at 4"),
    "wrong counts of a run": ("UPDATE runs SET error_count = 7 WHERE id = 1", 1, "level counts of run 1 do not match"),
    "a wrong first error": (
        "UPDATE runs SET first_error_seq = 1 WHERE id = 1",
        1,
        "level counts of run 1 do not match",
    ),
    "wrong counts of a segment": (
        "UPDATE segments SET error_count = 0 WHERE run_id = 1",
        1,
        "Records 1-6 of run 1 do not match the level counts",
    ),
    "events that the row does not mark": (
        f"UPDATE segments SET payload = {_blob(encode_records(_WITH_EVENTS))} WHERE run_id = 3",
        3,
        "Records 1-4 of run 3 have events",
    ),
    "records twice": (
        "INSERT INTO segments (run_id, first_seq, last_seq, debug_count, info_count, warning_count, error_count,"
        " payload_bytes, payload) VALUES"
        f" (3, 3, 6, 0, 4, 0, 0, 10, {_blob(encode_records(records(3, 6)))}),"
        f" (3, 2, 3, 0, 2, 0, 0, 10, {_blob(encode_records(records(2, 3)))})",
        3,
        "Records 2-3 of run 3 repeat earlier ones",
    ),
    "records twice at the end": (
        "INSERT INTO segments (run_id, first_seq, last_seq, debug_count, info_count, warning_count, error_count,"
        f" payload_bytes, payload) VALUES (3, 3, 6, 0, 4, 0, 0, 10, {_blob(encode_records(records(3, 6)))})",
        3,
        "Records 3-6 of run 3 repeat earlier ones",
    ),
    "a key that leads to a run of another project": (
        "INSERT INTO idempotency_keys (project, key_hash, fingerprint, run_id, created_at)"
        " VALUES ('report', x'01', x'02', 1, 0)",
        1,
        "An idempotency key of project report leads to run 1",
    ),
}

_UNREPAIRABLE = {
    "a failed step": (
        "UPDATE steps SET status = 'failed' WHERE run_id = 1 AND position = 0",
        1,
        "Step extract of run 1 is failed, but the run is completed",
    ),
    "missing records": (
        "DELETE FROM segments WHERE run_id = 1 AND first_seq = 1",
        1,
        "Records 1-6 of run 1 are missing",
    ),
    "unreadable records": (
        "UPDATE segments SET payload = x'00' WHERE run_id = 3",
        3,
        "Records 1-4 of run 3 cannot be read",
    ),
    "no JSON": (
        f"UPDATE segments SET payload = {_blob(b'no JSON')} WHERE run_id = 3",
        3,
        "Records 1-4 of run 3 cannot be read",
    ),
    "other records": (
        f"UPDATE segments SET payload = {_blob(encode_records(records(5, 8)))} WHERE run_id = 3",
        3,
        "Records 1-4 of run 3 do not match their row",
    ),
    "a missing table": ("DROP TABLE segments", None, "The table segments is missing"),
    "a changed table": ("ALTER TABLE steps ADD COLUMN x", None, "The table steps is changed"),
}


async def test_a_valid_database_has_no_findings(store: SqliteRunStore) -> None:
    await _fill(store)
    before = await store.list_runs()

    findings = await store.check(repair=True)

    assert findings == []
    assert await store.list_runs() == before


async def test_an_empty_database_is_valid(store: SqliteRunStore) -> None:
    assert await store.check() == []


@pytest.mark.parametrize("damage", sorted(_REPAIRABLE))
async def test_a_repairable_violation_is_found_and_repaired(
    store: SqliteRunStore, foreign: sqlite3.Connection, damage: str
) -> None:
    script, run_id, message = _REPAIRABLE[damage]
    await _fill(store)
    foreign.executescript(script)

    found = await store.check()
    found_again = await store.check(repair=True)
    left = await store.check()

    assert [finding.run_id for finding in found if message in finding.message] == [run_id]
    assert all(finding.repair for finding in found)
    assert {finding.message for finding in found} <= {finding.message for finding in found_again}
    assert left == []


@pytest.mark.parametrize("damage", sorted(_UNREPAIRABLE))
async def test_an_unrepairable_violation_is_reported(
    store: SqliteRunStore, foreign: sqlite3.Connection, damage: str
) -> None:
    script, run_id, message = _UNREPAIRABLE[damage]
    await _fill(store)
    foreign.executescript(script)

    await store.check(repair=True)
    (finding,) = [finding for finding in await store.check() if message in finding.message]

    assert (finding.run_id, finding.repair) == (run_id, None)


async def test_a_table_may_have_other_comments(store: SqliteRunStore, foreign: sqlite3.Connection) -> None:
    foreign.execute("PRAGMA writable_schema = ON")
    foreign.execute(
        "UPDATE sqlite_master SET sql = replace(sql, '-- AUTOINCREMENT', '-- A comment') WHERE name = 'runs'"
    )
    foreign.execute("PRAGMA writable_schema = RESET")

    assert await store.check() == []


async def test_a_check_alone_changes_nothing(store: SqliteRunStore, foreign: sqlite3.Connection) -> None:
    await _fill(store)
    foreign.executescript("UPDATE runs SET finished_at = NULL, last_seq = 3, error_count = 5 WHERE id = 1")
    before = await store.list_runs()

    findings = await store.check()

    assert len(findings) == 4
    assert await store.list_runs() == before


async def test_a_repair_removes_repeated_records(store: SqliteRunStore, foreign: sqlite3.Connection) -> None:
    await _fill(store)
    foreign.executescript(_REPAIRABLE["records twice"][0])

    await store.check(repair=True)

    assert await read_all(store, 3) == records(1, 6)
    assert (await store.get_run(3)).level_counts == LevelCounts(info=6)


async def test_the_newest_of_two_active_runs_is_kept(store: SqliteRunStore, foreign: sqlite3.Connection) -> None:
    await _fill(store)
    foreign.executescript(_REPAIRABLE["two active runs"][0])

    await store.check(repair=True)

    older, newer = await store.get_run(3), await store.get_run(4)
    assert (older.status, newer.status) == (Status.INTERRUPTED, Status.PENDING)
    assert [step.status for step in older.steps] == [StepStatus.INTERRUPTED, StepStatus.SKIPPED]
    assert older.finished_at is not None


async def test_an_index_that_contradicts_its_table_is_rebuilt(
    store: SqliteRunStore, foreign: sqlite3.Connection, open_store: OpenStore
) -> None:
    await _fill(store)
    # The schema is made to say that the index holds another column than it does.
    foreign.execute("PRAGMA writable_schema = ON")
    foreign.execute(
        "UPDATE sqlite_master SET sql = replace(sql, 'status, id', 'owner, id') WHERE name = 'runs_by_status'"
    )
    foreign.execute("PRAGMA writable_schema = RESET")
    other = await open_store()  # `store` keeps the schema that it has read

    findings = await other.check(repair=True)

    assert any(finding.repair == "rebuilds the indexes" for finding in findings)
    assert await other.check() == []


async def test_a_damaged_file_is_the_only_finding(store: SqliteRunStore, open_store: OpenStore, data_dir: Path) -> None:
    run = await start(store)
    await write(store, run, *([record] for record in records(1, 300)))
    await store.close()
    other = await open_store()
    path = data_dir / "solorun.db"
    pages = path.stat().st_size // 4096
    with path.open("r+b") as file:
        file.seek(4096 * (pages - 3))
        file.write(os.urandom(4096))

    findings = await other.check(repair=True)

    assert findings
    assert all(re.search("damaged", finding.message) for finding in findings)
    assert {finding.repair for finding in findings} == {None}
