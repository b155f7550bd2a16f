"""The statements are named, described and used, and cheap for any number of runs."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

import solorun.stores.sql as package
from solorun.stores.postgres.statements import QUERIES as WITH_FRAGMENTS_OF_POSTGRESQL
from solorun.stores.sql.doctor import checks, log_checks
from solorun.stores.sql.queries import QUERIES, parse_queries
from solorun.stores.sqlite.schema import migrate

_FOLDER = Path(package.__file__).parent
_CODE = "\n".join(path.read_text() for path in _FOLDER.glob("**/*.py"))
_NAMED = {**QUERIES, **log_checks.QUERIES}
_RULES = checks.load_rules()
_STATEMENTS = [*_NAMED.values(), *(rule.find for rule in _RULES), *(rule.repair for rule in _RULES if rule.repair)]


@pytest.fixture(scope="module")
def database() -> Iterator[sqlite3.Connection]:
    """An empty database. No test changes it."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as raw:
        migrate(raw)
        yield raw


@pytest.mark.parametrize("statement", _STATEMENTS)
def test_sqlite_accepts_each_statement(database: sqlite3.Connection, statement: str) -> None:
    parameters = dict.fromkeys(re.findall(r":([a-z_]+)", statement), 1)

    plan = database.execute(f"EXPLAIN {statement}", parameters).fetchall()

    assert plan


@pytest.mark.parametrize("name", sorted(_NAMED))
def test_each_statement_is_used(name: str) -> None:
    run_list = f'{{query}}{re.sub("^list_(?:runs_of_project|reruns|runs)", "", name)}"'

    assert f'"{name}"' in _CODE or run_list in _CODE


@pytest.mark.parametrize("file", ["queries.sql", "doctor/logs.sql"])
def test_every_statement_is_described(file: str) -> None:
    text = (_FOLDER / file).read_text()

    undescribed = re.findall(r"^-- name: (\w+)\n(?!-- )", text, re.MULTILINE)

    assert undescribed == []


def test_every_rule_is_described_and_says_what_its_repair_does() -> None:
    text = (_FOLDER / "doctor/rules.toml").read_text()

    undescribed = re.findall(r"^(?!#).*\n(?:find|repair) = ", text, re.MULTILINE)

    assert undescribed == []
    assert [rule.message for rule in _RULES if (rule.repair is None) != (rule.effect is None)] == []


@pytest.mark.parametrize("name", sorted(QUERIES))
def test_a_statement_of_the_store_scans_no_table_and_does_not_sort(database: sqlite3.Connection, name: str) -> None:
    parameters = dict.fromkeys(re.findall(r":([a-z_]+)", QUERIES[name]), 1)

    steps = [step for *_, step in database.execute(f"EXPLAIN QUERY PLAN {QUERIES[name]}", parameters)]

    large = ("SCAN steps", "SCAN segments", "SCAN idempotency_keys")
    assert [step for step in steps if step == "SCAN runs" or step.startswith(large)] == []
    assert [step for step in steps if "TEMP B-TREE" in step and name not in _SORT_A_FEW] == []


def test_the_firings_of_a_run_are_searched_by_its_id(database: sqlite3.Connection) -> None:
    query = QUERIES["record_end_in_firings"]

    steps = [step for *_, step in database.execute(f"EXPLAIN QUERY PLAN {query}", {"run_id": 1})]

    assert "SEARCH firings USING INDEX firings_by_run (run_id=?)" in steps


def test_a_search_for_events_uses_the_index_of_segments_with_events(database: sqlite3.Connection) -> None:
    query = QUERIES["list_segments_with_events_after"]
    parameters = dict.fromkeys(re.findall(r":([a-z_]+)", query), 1)

    steps = [step for *_, step in database.execute(f"EXPLAIN QUERY PLAN {query}", parameters)]

    assert steps[0] == "SEARCH segments USING INDEX segments_with_events (run_id=? AND last_seq>?)"


# One row per project, one per active run, the runs that wait, and the last 200 runs of a project.
_SORT_A_FEW = {
    "list_latest_runs",
    "list_foreign_runs",
    "list_orphaned_runs",
    "list_queued_runs",
    "list_ended_runs",
    "select_previous_outcome",
}


def test_fragments_are_inserted() -> None:
    text = "-- fragment: two\na, b\n\n-- name: get\n-- Gets.\nSELECT {two} FROM t;\n-- name: put\n-- Puts.\nINSERT;\n"

    assert parse_queries(text) == {"get": "SELECT a, b FROM t;", "put": "INSERT;"}


def test_a_name_cannot_be_defined_twice() -> None:
    with pytest.raises(ValueError, match="get is defined twice"):
        parse_queries("-- name: get\nSELECT 1;\n-- name: get\nSELECT 2;\n")


@pytest.mark.parametrize("name", sorted(WITH_FRAGMENTS_OF_POSTGRESQL))
def test_each_statement_is_valid_for_both_databases(name: str) -> None:
    sql = WITH_FRAGMENTS_OF_POSTGRESQL[name]

    only_sqlite = re.findall(r"\b(?:OR IGNORE|OR REPLACE|IFNULL|rowid|GLOB|json_each|::)\b", sql)

    assert only_sqlite == []
