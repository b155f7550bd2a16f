"""Sets up the service's own log: one line per message on stderr, as text or as a JSON object. `queued_output.py` keeps
it from blocking.
"""

import json
import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

_ESCAPES: Final = {
    code: f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
    for code in (
        *range(0x20), *range(0x7F, 0xA0),
        0x061C, 0x200E, 0x200F, 0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A),
    )
    if chr(code) != "\t"
}  # fmt: skip
"""The control characters, bidirectional ones and line separators included."""
_ESCAPES_OF_LINES: Final = {code: escape for code, escape in _ESCAPES.items() if chr(code) != "\n"}


_FIELDS_OF_RUNS: Final = ("run_id", "project")
"""What a message has as its `extra` if it is about a run (`Run.log_fields`)."""


def start_service_log(*, as_json: bool) -> None:
    """Log messages from INFO up, Python's warnings, and exceptions that no caller can catch."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if as_json else LogFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    # Its messages about the process repeat ours.
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    logging.captureWarnings(True)
    sys.unraisablehook = _log_unraisable


def format_dropped_lines(*, as_json: bool) -> Callable[[int], str]:
    """Makes the line that stands for lines that were dropped, because the output was not read."""

    def make(count: int) -> str:
        what = "1 line was" if count == 1 else f"{count} lines were"
        text = f"{what} dropped here, because this output was not read."
        if not as_json:
            return f"({text})"
        record = logging.LogRecord("solorun.server", logging.WARNING, __file__, 0, text, (), None)
        return JsonFormatter().format(record)

    return make


class JsonFormatter(logging.Formatter):
    """Makes one JSON object of each message. Everything but ASCII is escaped, so nothing can control a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: getattr(record, name) for name in _FIELDS_OF_RUNS if hasattr(record, name)}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


class LogFormatter(logging.Formatter):
    """Escapes control characters. A request's path or a program's output could otherwise forge lines of the log, or
    control the terminal that shows it. Only tracebacks have several lines.
    """

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name is that of logging.Formatter
        return super().formatMessage(record).translate(_ESCAPES)

    def format(self, record: logging.LogRecord) -> str:
        return super().format(record).translate(_ESCAPES_OF_LINES)


def _log_unraisable(unraisable: "sys.UnraisableHookArgs") -> None:
    error = unraisable.exc_value
    logging.getLogger("solorun").error(
        "%s: %r",
        unraisable.err_msg or "Exception ignored in",
        unraisable.object,
        exc_info=(type(error), error, unraisable.exc_traceback) if error is not None else None,
    )
