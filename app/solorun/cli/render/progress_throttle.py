"""Progress for those who read a live log as lines: a bar may move as it likes, a thousand lines would bury the log."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Final

from solorun.record import Event, Record

INTERVAL: Final = timedelta(seconds=1)


class ProgressThrottle:
    """Lets a progress record pass at most once a second (by the records' times), and always the last one of a step.

    What is complete (`20/20`) passes at once, since nothing may follow it for long, unless the one before it was too.
    """

    def __init__(self) -> None:
        self._shown: Record | None = None
        self._held: Record | None = None

    def thin(self, records: Sequence[Record]) -> Iterator[Record]:
        """The records that are shown; all that are no progress are."""
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
        """The last one, if it was held back."""
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
