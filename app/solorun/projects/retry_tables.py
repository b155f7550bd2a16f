"""Validates how a step is tried again, and how long it may write nothing."""

import re
from typing import Final

from solorun.project import StallTimeout
from solorun.projects import readers
from solorun.projects.validation import InvalidValue, Node, Table, format_value
from solorun.retries import CAUSES, DEFAULT_DELAY_SECONDS, DEFAULT_MAX_DELAY_SECONDS, Retries

MAX_RETRIES: Final = 100

_CAUSE: Final = re.compile(rf"{'|'.join(CAUSES)}|exit (?:[1-9]|[1-9]\d|1\d\d|2[0-4]\d|25[0-5])", re.ASCII)


def retries(table: Table) -> Retries:
    """`retries` and the other keys of a step that begin with `retry_`."""
    count = table.read("retries", readers.whole_number(0, MAX_RETRIES), 0)
    if "retries" not in table:
        for key in filter(table.__contains__, ("retry_delay", "retry_max_delay", "retry_on")):
            table.node.below(key).refuse('has no effect without "retries", the number of further attempts')
    delay = table.read("retry_delay", readers.duration_or_zero, DEFAULT_DELAY_SECONDS)
    longest = table.read("retry_max_delay", readers.duration, max(delay, DEFAULT_MAX_DELAY_SECONDS))
    if longest < delay:
        table.node.below("retry_max_delay").refuse("is shorter than retry_delay, with which the delays begin")
    causes = table.read("retry_on", readers.distinct(_cause, 'a list of causes, like ["exit 75", "timeout"]'), ())
    return Retries(count, delay, longest, frozenset(causes))


def stall_timeout(node: Node) -> StallTimeout:
    """`"10m"`, or `{ after = "10m", then = "warn" }`."""
    if isinstance(node.value, str):
        return StallTimeout(readers.duration(node))
    table = Table(node, ("after", "then"), {})
    missing = 'set how long the step may write nothing, like { after = "10m" }'
    after_seconds = table.require("after", readers.duration, 1.0, missing=missing)
    return StallTimeout(after_seconds, table.read("then", readers.choice("fail", "warn"), "fail"))


def _cause(node: Node) -> str:
    if not _CAUSE.fullmatch(readers.text(node)):
        known = ", ".join(format_value(cause) for cause in CAUSES)
        raise InvalidValue(
            f'{format_value(node.value)} is not a cause of a failure; expected "exit N" with N from 1 to 255, or one'
            f" of {known}"
        )
    return str(node.value)
