"""Server-sent events out of bytes, without I/O: chunks go in as the network cut them, whole events come out.

Follows the WHATWG text (9.2.6). It works by lines, in bulk: a batched stream has few and long ones, so that the cost of
a record is that of its JSON alone.
"""

from dataclasses import dataclass
from typing import Final

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """One event. `event` is `message` when the stream did not name it; `id` is the last one seen on the stream."""

    event: str
    data: bytes
    id: str


class SSEDecoder:
    """Decodes one stream.

    `retry_seconds` is what the stream last asked for, None until it does. An event that the stream's end cuts off is
    not an event: there is nothing to flush.
    """

    def __init__(self) -> None:
        self.retry_seconds: float | None = None
        self._last_id = ""
        self._event = ""
        self._data: list[bytes] = []
        self._unfinished: list[bytes] = []
        self._after_cr = False
        self._at_start = True

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """The events that `chunk` completes, in order."""
        chunk = self._with_lf_only(chunk)
        if b"\n" not in chunk:
            # Joined when the line is whole: appending to one bytes object would copy a long line again and again.
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
        """CR, LF and CRLF all end a line; a CRLF may be cut in two by the chunk's edge."""
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
            case b"id" if b"\x00" not in value:
                self._last_id = value.decode(errors="replace")
            case b"event":
                self._event = value.decode(errors="replace")
            case b"retry" if value.isdigit():
                self.retry_seconds = int(value) / 1000
            case _:
                pass  # a comment (an empty name), or a field that the standard tells us to ignore

    def _take_event(self) -> ServerSentEvent | None:
        event, data = self._event, self._data
        self._event, self._data = "", []
        if not data:
            return None
        return ServerSentEvent(event or "message", data[0] if len(data) == 1 else b"\n".join(data), self._last_id)
