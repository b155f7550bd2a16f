"""A cron expression in a time zone, and the times at which it is due.

The syntax and the treatment of daylight saving time are those of Debian's cron: a fixed time (`30 2 * * *`) that the
clock skips is due right after the gap, and one that the clock repeats is due once. An expression with `*` as its minute
or hour follows the clock: it is due in every hour that passes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from importlib.resources import files
from itertools import islice, takewhile
from typing import Final
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

_FIELDS: Final = 5
_MINUTE: Final = timedelta(minutes=1)
_LONGEST_REPETITION: Final = timedelta(days=1)
"""How far a clock may be set back."""
_SPANS: Final = (timedelta(hours=2), timedelta(days=2), timedelta(days=40), timedelta(days=400))
"""Where the latest due time is searched for, nearest first: an expression with many due times has one nearby."""


class InvalidCron(ValueError):
    """The expression or the time zone is invalid. The message says why."""


@dataclass(frozen=True, slots=True)
class Cron:
    """A valid expression with its time zone. All times are aware UTC."""

    expression: str
    timezone: str = "UTC"

    @classmethod
    def parse(cls, expression: str, timezone: str = "UTC") -> "Cron":
        """Raises InvalidCron."""
        count = len(expression.split())
        if count != _FIELDS:
            raise InvalidCron(
                f"has {count} {'field' if count == 1 else 'fields'}; "
                f"a cron expression has {_FIELDS}: minute, hour, day of month, month, day of week"
            )
        try:
            due = next(CronSim(expression, datetime.now(UTC)), None)
        except CronSimError as error:
            raise InvalidCron(f"is not a cron expression: {str(error)[:1].lower()}{str(error)[1:]}") from None
        if due is None:
            raise InvalidCron("is never due: no month has this day")
        return cls(expression, timezone)

    @property
    def zone(self) -> tzinfo:
        return read_zone(self.timezone)

    def after(self, moment: datetime) -> Iterator[datetime]:
        """The due times after `moment`, ascending. Times beyond the calendar's end are not due."""
        last = moment
        for due in self._occurrences(moment):
            if due > last:
                last = due
                yield due

    def find_latest(self, *, after: datetime, until: datetime) -> datetime | None:
        """The latest due time in (after, until]; None if there is none."""
        for span in (*_SPANS, until - after):
            start = max(after, until - span)
            latest = None
            for due in self.after(start):
                if due > until:
                    break
                latest = due
            if latest is not None or start <= after:
                return latest
        return None

    def count(self, *, after: datetime, before: datetime, limit: int) -> int:
        """How many due times are in (after, before), up to `limit`."""
        return sum(1 for _ in islice(takewhile(lambda due: due < before, self.after(after)), limit))

    def _occurrences(self, moment: datetime) -> Iterator[datetime]:
        """The due times from some time before `moment`, ascending.

        cronsim counts on a clock without a time zone, because it loses times in zones that change by half an hour.
        """
        minute, hour, *_ = self.expression.split()
        follows_clock = minute.startswith("*") or hour.startswith("*")
        start = moment.astimezone(self.zone)
        if _is_ambiguous(start):
            start -= _LONGEST_REPETITION
        repeated: list[datetime] = []
        try:
            for wall in CronSim(self.expression, start.replace(tzinfo=None)):
                local = wall.replace(tzinfo=self.zone)
                if not _is_ambiguous(local):
                    yield from repeated
                    repeated.clear()
                elif follows_clock:
                    repeated.append(local.replace(fold=1).astimezone(UTC))
                if _is_skipped(local):
                    if follows_clock:
                        continue
                    while _is_skipped(local):
                        local += _MINUTE
                yield local.astimezone(UTC)
        except OverflowError:
            return
        yield from repeated


@lru_cache(maxsize=1)
def timezone_names() -> frozenset[str]:
    return frozenset((files("tzdata") / "zones").read_text().split())


@lru_cache
def read_zone(name: str) -> tzinfo:
    """The time zone from the tzdata package: the same on every host. Raises InvalidCron."""
    if name == "UTC":
        return UTC
    if name not in timezone_names():
        raise InvalidCron(f"there is no time zone {name}")
    with (files("tzdata") / "zoneinfo").joinpath(*name.split("/")).open("rb") as data:
        return ZoneInfo.from_file(data, key=name)


def _is_ambiguous(local: datetime) -> bool:
    """Whether clocks show this time twice."""
    return local.replace(fold=0).astimezone(UTC) < local.replace(fold=1).astimezone(UTC)


def _is_skipped(local: datetime) -> bool:
    """Whether no clock ever shows this time."""
    return local.replace(fold=0).astimezone(UTC) > local.replace(fold=1).astimezone(UTC)
