"""What must not be in a database is found, said, and mended where it can be."""

import os
import re
import sqlite3
from pathlib import Path

import pytest
from msgspec.structs import replace
from zstandard import ZstdCompressor

from solorun.record import Event, Level
from solorun.run import LevelCounts, RunStep
from solorun.status import Status, StepStatus
from solorun.stores.sqlite import SqliteRunStore
from solorun.wire import encode_records
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
    await store.finalize_run(failed.id, owner=OWNER, expected=[Status.RUNNING], ending=ending(Status.FAILED, "x"))
    running = await start(store, "glossary")
    step = RunStep("extract", StepStatus.RUNNING, later(1), None, None, None, 1, None)
    await store.commit([batch_of(running, records(1, 4), steps=[step])], owner=OWNER)
    await store.insert_run(new_run("etl"), owner=OWNER)


def _blob(content: bytes) -> str:
    return f"x'{ZstdCompressor().compress(content).hex()}'"


_TELLING = [replace(record, event=Event.PROGRESS, data={"current": record.seq}) for record in records(1, 4)]

_MENDABLE = {
    "a step of no run": (
        "INSERT INTO steps (run_id, position, name, status) VALUES (99, 0, 'a', 'pending')",
        99,
        "steps of run 99, which does not exist",
    ),
    "records of no run": (
        "INSERT INTO segments SELECT 99, 99, 1, 2, 0, 2, 0, 0, 10, x'00', 0",
        99,
        "records of run 99, which does not exist",
    ),
    "two active runs": (
        "DROP INDEX runs_one_active_per_project; UPDATE runs SET project = 'glossary' WHERE id = 4",
        3,
        "Run 3 of project glossary is active beside run 4",
    ),
    "no exclusion": ("DROP INDEX runs_one_active_per_project", None, "index runs_one_active_per_project is missing"),
    "a weaker exclusion": (
        "DROP INDEX runs_one_active_per_project;"
        " CREATE INDEX runs_one_active_per_project ON runs (project) WHERE status = 'running'",
        None,
        "index runs_one_active_per_project is changed",
    ),
    "no owner": ("UPDATE runs SET owner = '' WHERE id = 3", 3, "no service executes it"),
    "an end without a time": ("UPDATE runs SET finished_at = NULL WHERE id = 1", 1, "nothing says since when"),
    "a time without an end": ("UPDATE runs SET finished_at = 1 WHERE id = 3", 3, "running, but says when it finished"),
    "pending and begun": ("UPDATE runs SET started_at = 1 WHERE id = 4", 4, "pending, but has begun"),
    "pending with a running step": (
        "UPDATE steps SET status = 'running' WHERE run_id = 4 AND position = 0",
        4,
        "pending, but has begun",
    ),
    "running since never": ("UPDATE runs SET started_at = NULL WHERE id = 3", 3, "nothing says since when"),
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
    "wrong counts of a run": ("UPDATE runs SET error_count = 7 WHERE id = 1", 1, "counts other levels"),
    "a wrong first error": ("UPDATE runs SET first_error_seq = 1 WHERE id = 1", 1, "counts other levels"),
    "wrong counts of a segment": (
        "UPDATE segments SET error_count = 0 WHERE run_id = 1",
        1,
        "Records 1-6 of run 1 have other levels",
    ),
    "events of which the row knows nothing": (
        f"UPDATE segments SET payload = {_blob(encode_records(_TELLING))} WHERE run_id = 3",
        3,
        "Records 1-4 of run 3 tell events",
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
}

_LOST = {
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
        "Records 1-4 of run 3 are others than their row says",
    ),
    "a missing table": ("DROP TABLE segments", None, "The table segments is missing"),
    "a changed table": ("ALTER TABLE steps ADD COLUMN x", None, "The table steps is changed"),
}


async def test_a_sound_database_has_no_findings(store: SqliteRunStore) -> None:
    await _fill(store)
    before = await store.list_runs()

    findings = await store.check(repair=True)

    assert findings == []
    assert await store.list_runs() == before


async def test_an_empty_database_is_sound(store: SqliteRunStore) -> None:
    assert await store.check() == []


@pytest.mark.parametrize("damage", sorted(_MENDABLE))
async def test_what_can_be_mended_is_found_said_and_mended(
    store: SqliteRunStore, foreign: sqlite3.Connection, damage: str
) -> None:
    script, run_id, message = _MENDABLE[damage]
    await _fill(store)
    foreign.executescript(script)

    found = await store.check()
    found_again = await store.check(repair=True)
    left = await store.check()

    assert [finding.run_id for finding in found if message in finding.message] == [run_id]
    assert all(finding.repair for finding in found)
    assert {finding.message for finding in found} <= {finding.message for finding in found_again}
    assert left == []


@pytest.mark.parametrize("damage", sorted(_LOST))
async def test_what_cannot_be_mended_is_found_and_said(
    store: SqliteRunStore, foreign: sqlite3.Connection, damage: str
) -> None:
    script, run_id, message = _LOST[damage]
    await _fill(store)
    foreign.executescript(script)

    await store.check(repair=True)
    (finding,) = [finding for finding in await store.check() if message in finding.message]

    assert (finding.run_id, finding.repair) == (run_id, None)


async def test_a_check_alone_changes_nothing(store: SqliteRunStore, foreign: sqlite3.Connection) -> None:
    await _fill(store)
    foreign.executescript("UPDATE runs SET finished_at = NULL, last_seq = 3, error_count = 5 WHERE id = 1")
    before = await store.list_runs()

    findings = await store.check()

    assert len(findings) == 4
    assert await store.list_runs() == before


async def test_repeated_records_are_there_once_after_the_repair(
    store: SqliteRunStore, foreign: sqlite3.Connection
) -> None:
    await _fill(store)
    foreign.executescript(_MENDABLE["records twice"][0])

    await store.check(repair=True)

    assert await read_all(store, 3) == records(1, 6)
    assert (await store.get_run(3)).level_counts == LevelCounts(info=6)


async def test_of_two_active_runs_the_newest_is_kept(store: SqliteRunStore, foreign: sqlite3.Connection) -> None:
    await _fill(store)
    foreign.executescript(_MENDABLE["two active runs"][0])

    await store.check(repair=True)

    older, newer = await store.get_run(3), await store.get_run(4)
    assert (older.status, newer.status) == (Status.INTERRUPTED, Status.PENDING)
    assert [step.status for step in older.steps] == [StepStatus.INTERRUPTED, StepStatus.SKIPPED]
    assert older.finished_at is not None


async def test_an_index_that_contradicts_its_table_is_built_anew(
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

    assert any(finding.repair == "builds the indexes anew" for finding in findings)
    assert await other.check() == []


async def test_a_damaged_file_is_said_and_nothing_else_is_believed(
    store: SqliteRunStore, open_store: OpenStore, data_dir: Path
) -> None:
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
