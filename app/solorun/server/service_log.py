"""Sets up the service's own log: one line per message on stderr, which `queued_output.py` keeps from blocking."""

import logging
import sys
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


def start_service_log() -> None:
    """Log messages from INFO up, Python's warnings, and exceptions that no caller can catch."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LogFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    # Its messages about the process repeat ours.
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    logging.captureWarnings(True)
    sys.unraisablehook = _log_unraisable


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
