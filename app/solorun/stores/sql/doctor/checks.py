"""Checks and repairs the runs with their steps, by rules, and then their logs (`log_checks.py`)."""

import tomllib
from collections.abc import Iterator
from importlib.resources import files
from typing import Final

import msgspec

from solorun.store import Finding
from solorun.stores.sql.connection import Connection
from solorun.stores.sql.doctor.log_checks import check_logs
from solorun.stores.sql.rows import decode_resources

_COUNT_HOLDS: Final = "SELECT run_id, resource, COUNT(*) FROM holds WHERE step = '' GROUP BY run_id, resource"
_LIST_NEEDS: Final = "SELECT id, resources FROM runs WHERE status IN ('pending', 'running')"


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
    yield from _check_holds(connection)
    yield from check_logs(connection, repair=repair)


def _check_holds(connection: Connection) -> Iterator[Finding]:
    """A run takes its slots in the transaction that makes it pending."""
    held = {(run_id, resource): count for run_id, resource, count in connection.execute(_COUNT_HOLDS).fetchall()}
    for run_id, resources in connection.execute(_LIST_NEEDS).fetchall():
        for resource, count in decode_resources(resources).items():
            if (holds := held.get((run_id, resource), 0)) < count:
                yield Finding(run_id, f"Run {run_id} requires {count} of {resource}, and holds {holds}.", None)


def _check_rule(connection: Connection, rule: Rule, *, now: int, repair: bool) -> Iterator[Finding]:
    cursor = connection.execute(rule.find)
    names = [column[0] for column in cursor.description]
    for row in cursor.fetchall():
        values = dict(zip(names, row, strict=True))
        yield Finding(values["run_id"], rule.message.format_map(values), rule.effect)
        if repair and rule.repair is not None:
            connection.execute(rule.repair, {**values, "now": now})
