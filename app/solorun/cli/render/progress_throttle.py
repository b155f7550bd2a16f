"""Limits progress records in plain output, where a thousand of them would bury the log."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Final

from solorun.record import Event, Record

INTERVAL: Final = timedelta(seconds=1)


class ProgressThrottle:
    """Passes at most one progress record per second (by the records' times), and always the last one of a step.

    A complete one (`20/20`) passes immediately, because no other may follow for a while, unless the previous one was
    complete too.
    """

    def __init__(self) -> None:
        self._shown: Record | None = None
        self._held: Record | None = None

    def filter(self, records: Sequence[Record]) -> Iterator[Record]:
        """Yield the records to show, including all that are not progress."""
        for record in records:
            if record.event is Event.PROGRESS:
                self._held = record
                if self._is_due(record):
                    yield from self.finish()
            else:
                if record.event is Event.STEP:
                    yield from self.finish()
                yield record

    def finish(self) -> Iterator[Record]:
        """Yield the last progress record, if it was held back."""
        if self._held is not None:
            self._shown, self._held = self._held, None
            yield self._shown

    def _is_due(self, record: Record) -> bool:
        last = self._shown
        if last is None or not timedelta(0) <= record.time - last.time < INTERVAL:
            return True
        return record.step != last.step or (_is_complete(record) and not _is_complete(last))


def _is_complete(record: Record) -> bool:
    data = record.data or {}
    return data.get("total") is not None and data.get("current") == data.get("total")
