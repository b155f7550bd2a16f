"""A transport that holds back a response's head until its body follows, so that both are one write.

A write to a socket costs as much as everything else that is done for a small response.
"""

import asyncio
from typing import Any, Final

SLICE_BYTES: Final = 64 * 1024
"""How much of a large response is written in one turn of the loop. A megabyte would take milliseconds."""
HEAD_MARK: Final = b"HTTP/"
_LINE_END: Final = b"\r\n"
_HEAD_END: Final = b"\r\n\r\n"


def _chunk(piece: "bytes | memoryview") -> tuple[bytes, bytes | memoryview, bytes]:
    """The parts of a chunk of a chunked body."""
    return b"%x\r\n" % len(piece), piece, _LINE_END


class _Shared:
    """The piece that was last written to any connection, and its frame once it is written again.

    A thousand streams are sent the same piece, one after another.
    """

    def __init__(self) -> None:
        self._piece = b""
        self._frame: bytes | None = None

    def frame(self, piece: "bytes | memoryview") -> bytes | None:
        """None for a new piece, which may never be written again. A view is part of one reader's page, never shared."""
        if isinstance(piece, memoryview):
            return None
        if piece is not self._piece:
            self._piece, self._frame = piece, None
            return None
        if self._frame is None:
            self._frame = b"".join(_chunk(piece))
        return self._frame


_shared = _Shared()


class CoalescingTransport(asyncio.Transport):
    """Wraps the real transport. A head waits for what follows it, at most until the event loop's next iteration.

    A large response is written in slices, between which other connections have their turn. Header lines that are the
    same in most responses can be added to a head in encoded form.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._transport = transport
        self._loop = loop
        self._held: list[bytes | memoryview] = []
        self._head_lines = b""
        self._is_closing = False

    def add_to_next_head(self, lines: bytes) -> None:
        """Add header lines, each with its line end, to the next head."""
        self._head_lines = lines

    def write(self, data: "bytes | bytearray | memoryview[Any]") -> None:
        if data[:5] == HEAD_MARK:
            if not self._held:
                self._loop.call_soon(self._flush)
            self._held.append(self._complete(bytes(data)))
        elif self._held:
            self._held.append(bytes(data))
        else:
            # A stream's next bytes: with many streams, the first would wait until all have been written.
            self._transport.write(data)

    def write_chunk(self, piece: "bytes | memoryview") -> None:
        """Write a chunk of a chunked body. One that goes to many connections in turn is framed once.

        An empty piece writes nothing: an empty chunk would end the body.
        """
        if not piece or self.is_closing():
            return
        if self._held:
            self._held.extend(map(bytes, _chunk(piece)))
        elif (shared := _shared.frame(piece)) is not None:
            self._transport.write(shared)
        else:
            self._transport.writelines(_chunk(piece))

    def close(self) -> None:
        self._is_closing = True
        self._flush()

    def abort(self) -> None:
        # The reader may still receive this, and it says more than a closed connection does.
        self._flush()
        self._transport.abort()

    def is_closing(self) -> bool:
        return self._is_closing or self._transport.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)

    def get_write_buffer_size(self) -> int:
        return self._transport.get_write_buffer_size() + sum(map(len, self._held))

    def pause_reading(self) -> None:
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        self._transport.resume_reading()

    def _complete(self, head: bytes) -> bytes:
        lines, self._head_lines = self._head_lines, b""
        fields, end, rest = head.partition(_HEAD_END)
        return fields + _LINE_END + lines + _LINE_END + rest if end else head

    def _flush(self) -> None:
        """Write what is held; of a large response a slice, and the rest in the loop's next turns."""
        if self._held and not self._transport.is_closing():
            held, self._held = self._held, []
            data = held[0] if len(held) == 1 else b"".join(held)
            if len(data) > SLICE_BYTES:
                self._held.append(memoryview(data)[SLICE_BYTES:])
                self._transport.write(data[:SLICE_BYTES])
                if not self._transport.get_write_buffer_size():
                    self._loop.call_soon(self._flush)
                    return
                # The socket is full, and the transport buffers the rest.
                data = self._held.pop()
            self._transport.write(data)
        if self._is_closing:
            self._transport.close()
