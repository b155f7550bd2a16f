"""Checks and repairs the runs with their steps, by rules, and then their logs (`log_checks.py`)."""

import tomllib
from collections.abc import Iterator
from importlib.resources import files

import msgspec

from solorun.store import Finding
from solorun.stores.sql.connection import Connection
from solorun.stores.sql.doctor.log_checks import check_logs


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An invariant: the statement that finds its violations, and the one that repairs them, if that is possible."""

    find: str
    message: str
    repair: str | None = None
    effect: str | None = None


def load_rules() -> list[Rule]:
    """The rules, in the order of their checks."""
    document = tomllib.loads((files(__package__) / "rules.toml").read_text(encoding="utf-8"))
    return msgspec.convert(document["rules"], list[Rule])


def check_contents(connection: Connection, *, now: int, repair: bool) -> Iterator[Finding]:
    """Repairs each violation as soon as it is found, so that its consequences are found too."""
    for rule in load_rules():
        yield from _check_rule(connection, rule, now=now, repair=repair)
    yield from check_logs(connection, repair=repair)


def _check_rule(connection: Connection, rule: Rule, *, now: int, repair: bool) -> Iterator[Finding]:
    cursor = connection.execute(rule.find)
    names = [column[0] for column in cursor.description]
    for row in cursor.fetchall():
        values = dict(zip(names, row, strict=True))
        yield Finding(values["run_id"], rule.message.format_map(values), rule.effect)
        if repair and rule.repair is not None:
            connection.execute(rule.repair, {**values, "now": now})
