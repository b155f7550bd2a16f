"""Decodes server-sent events from chunks of bytes, without I/O.

Follows the WHATWG HTML standard (9.2.6). Works on lines: a batched stream has few and long ones, so decoding costs
little more than parsing the records' JSON.
"""

from dataclasses import dataclass
from typing import Final

MAX_RETRY_SECONDS: Final = 86_400
MAX_EVENT_BYTES: Final = 64 * 1024 * 1024
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """One event. `event` is `message` if the stream does not name it. Its `id` is not kept: records have a seq."""

    event: str
    data: bytes


class SSEDecoder:
    """Decodes one stream.

    `retry_seconds` is the value of the stream's last `retry:` field, or None. There is nothing to flush: the standard
    drops an incomplete event at the end of the stream.
    """

    def __init__(self) -> None:
        self.retry_seconds: float | None = None
        self._event = ""
        self._data: list[bytes] = []
        self._unfinished: list[bytes] = []
        self._held_bytes = 0
        self._after_cr = False
        self._at_start = True

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """Return the events that `chunk` completes, in order. Raises ValueError if an event is too large."""
        chunk = self._with_lf_only(chunk)
        self._held_bytes += len(chunk)
        if self._held_bytes > MAX_EVENT_BYTES:
            raise ValueError("an event of more than 64 MiB")
        if b"\n" not in chunk:
            # Joined when the line is complete: appending to a bytes object would copy a long line repeatedly.
            self._unfinished.append(chunk)
            return []
        lines = chunk.split(b"\n")
        lines[0] = b"".join([*self._unfinished, lines[0]])
        self._unfinished = [lines.pop()]
        if self._at_start:
            self._at_start = False
            lines[0] = lines[0].removeprefix(_BYTE_ORDER_MARK)
        events: list[ServerSentEvent] = []
        for line in lines:
            if line:
                self._read_field(line)
            elif (event := self._take_event()) is not None:
                events.append(event)
        return events

    def _with_lf_only(self, chunk: bytes) -> bytes:
        """Normalize CR and CRLF to LF. A CRLF can be split between two chunks."""
        if self._after_cr and chunk:
            self._after_cr = False
            chunk = chunk.removeprefix(b"\n")
        if b"\r" in chunk:
            self._after_cr = chunk.endswith(b"\r")
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return chunk

    def _read_field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        match name:
            case b"data":
                self._data.append(value)
            case b"event":
                self._event = value.decode(errors="replace")
            case b"retry" if value.isdigit():
                # Python refuses to convert thousands of digits.
                is_short = len(value) <= len(str(MAX_RETRY_SECONDS * 1000))
                self.retry_seconds = min(int(value) / 1000, MAX_RETRY_SECONDS) if is_short else MAX_RETRY_SECONDS
            case _:
                pass  # a comment (empty name) or an unknown field, which the standard ignores

    def _take_event(self) -> ServerSentEvent | None:
        event, data = self._event, self._data
        self._event, self._data, self._held_bytes = "", [], 0
        if not data:
            return None
        return ServerSentEvent(event or "message", b"\n".join(data))
