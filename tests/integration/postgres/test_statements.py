"""PostgreSQL accepts every statement that the stores share, and its own ones are named, described and used."""

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

import solorun.stores.postgres as package
from solorun.stores.postgres.schema import migrate
from solorun.stores.postgres.statements import OWN, QUERIES, Statements
from solorun.stores.sql.doctor import checks, log_checks
from tests.fakes.postgres import fresh_schema

_FOLDER = Path(package.__file__).parent
_CODE = "\n".join(path.read_text() for path in _FOLDER.glob("*.py"))
_RULES = checks.load_rules()
_STATEMENTS = {
    **QUERIES,
    **OWN,
    **log_checks.QUERIES,
    **{f"rule {number}": rule.find for number, rule in enumerate(_RULES)},
    **{f"repair {number}": rule.repair for number, rule in enumerate(_RULES) if rule.repair is not None},
}


@pytest.fixture(scope="module")
def statements(postgres_url: str) -> Iterator[Statements]:
    """Of an empty database. No test changes it."""
    with fresh_schema(postgres_url) as url, psycopg.connect(url, autocommit=True) as connection:
        statements = Statements(connection)
        migrate(statements)
        yield statements


@pytest.mark.parametrize("name", sorted(_STATEMENTS))
def test_postgresql_accepts_each_statement(statements: Statements, name: str) -> None:
    sql = _STATEMENTS[name]
    parameters = dict.fromkeys(re.findall(r"(?<!:):([a-z_]+)", sql))

    plan = statements.execute(f"EXPLAIN {sql}", parameters).fetchall()

    assert plan


@pytest.mark.parametrize("name", sorted(OWN))
def test_each_statement_of_its_own_is_used(name: str) -> None:
    assert f'OWN["{name}"]' in _CODE


def test_every_statement_is_described() -> None:
    text = (_FOLDER / "queries.sql").read_text()

    undescribed = re.findall(r"^-- (?:name|fragment): (\w+)\n(?!-- )", text, re.MULTILINE)

    assert undescribed == []
