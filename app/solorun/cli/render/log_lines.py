"""Formats a record as a line of text: time, step and message. `views.py` handles terminals and progress bars."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from solorun.cli.render.sanitize import mark_bidirectional_controls, sanitize
from solorun.record import Event, Level, Record
from solorun.run import Run
from solorun.status import StepStatus
from solorun.text.line_joiner import Line, LineJoiner

_LEVEL_COLOURS: Final = {Level.DEBUG: "2", Level.WARNING: "33", Level.ERROR: "31"}
_STEP_MARKS: Final[dict[str, tuple[str, str]]] = {
    StepStatus.RUNNING: ("▶", "1"),
    StepStatus.COMPLETED: ("✔", "32"),
    StepStatus.FAILED: ("✘", "31"),
    StepStatus.CANCELLED: ("■", "35"),
    StepStatus.INTERRUPTED: ("■", "33"),
    StepStatus.SKIPPED: ("-", "2"),
}


class LogLines:
    """Formats the records of one run as lines.

    `colour`: add ANSI colours and keep those of the log. `raw`: keep control characters in messages. The records of a
    line are joined, and shown when the line ends. If the log spans days, the date precedes the first line of each.
    """

    def __init__(self, run: Run, *, colour: bool = False, raw: bool = False) -> None:
        self._step_width = max((len(step.name) for step in run.steps), default=0)
        self._colour = colour
        self._raw = raw
        self._joiner = LineJoiner(colour=colour, raw=raw)
        self._second: datetime | None = None
        self._clock = ""
        created, ended = run.created_at.astimezone(), (run.finished_at or datetime.now(UTC)).astimezone()
        self._date = created.date() if created.date() == ended.date() else None
        """The date of the last line. None if it must be shown before the next one."""

    def format(self, record: Record) -> str:
        """Add a record, and return the lines that it completes."""
        return self._format(self._joiner.add(record))

    def finish(self) -> str:
        """Return the lines that are still unfinished."""
        return self._format(self._joiner.finish())

    def unfinished(self) -> list[str]:
        """The lines so far that continue in later records, without line ends."""
        return [self._format([line]).removesuffix("\n") for line in self._joiner.unfinished]

    def _format(self, lines: Iterable[Line]) -> str:
        return "".join(f"{self._prefix(record)}{self._text(record, text)}\n" for record, text in lines)

    def _prefix(self, record: Record) -> str:
        before = ""
        second = record.time.replace(microsecond=0)
        if second != self._second:
            # Cached, because thousands of records share a second and local time is the slowest part of a line.
            local = second.astimezone()
            self._second, self._clock = second, local.strftime("%H:%M:%S")
            if local.date() != self._date:
                self._date = local.date()
                before = self._paint(f"{self._date}", "2") + "\n"
        step = (record.step or "").ljust(self._step_width)
        return f"{before}{self._paint(self._clock, '2')} {self._paint(step, '36')}  "

    def _text(self, record: Record, text: str) -> str:
        message = text if self._raw else mark_bidirectional_controls(text)
        if record.event is not None:
            return self._event_text(record.event, record, message)
        level = _LEVEL_COLOURS.get(record.level)
        if level is None:
            return message
        prefix = f"{record.level}: "
        shown = "" if message[: len(prefix)].lower() == prefix else self._paint(prefix, level)
        return shown + self._paint(message, level)

    def _event_text(self, event: Event, record: Record, message: str) -> str:
        data = record.data or {}
        match event:
            case Event.STEP:
                mark, colour = _STEP_MARKS.get(str(data.get("status")), ("-", "0"))
                if data.get("status") == StepStatus.WAITING and "attempt" in data:
                    mark, colour = "↻", "33"
                exit_code = data.get("exit_code")
                # A signal has a name, which the message has.
                is_unnamed = exit_code is not None and exit_code > 0 and "exit code" not in message
                ending = f" (exit code {exit_code})" if is_unnamed else ""
                return self._paint(f"{mark} {message}{ending}", colour)
            case Event.PROGRESS:
                return self._paint(progress_text(data), "2")
            case Event.GROUP:
                name = sanitize(str(data.get("name") or ""))
                return self._paint(f"▸ {name}" if data.get("open") else f"◂ {name}".rstrip(), "1")
            case Event.ARTIFACT:
                return message
            case Event.CANCEL:
                return self._paint(message, "35")

    def _paint(self, text: str, colour: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._colour and text else text


def progress_of(run: Run) -> dict[str, Any]:
    """The run's current progress, as in the data of a progress record."""
    return {"current": run.progress_current, "total": run.progress_total, "item": run.progress_item}


def progress_text(data: dict[str, Any]) -> str:
    """`3/20 photon`, or `3 photon` if the total is unknown."""
    current, total = data.get("current"), data.get("total")
    count = f"{current}/{total}" if total is not None else f"{current}"
    return f"{count} {sanitize(str(data.get('item') or ''))}".rstrip()
