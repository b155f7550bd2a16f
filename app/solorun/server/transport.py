"""A transport that keeps the head of an answer until its body comes, so that both are one packet.

A write to a socket costs as much as everything that we do for a small answer.
"""

import asyncio
import fcntl
import struct
import termios
from typing import Any, Final

HEAD_MARK: Final = b"HTTP/"
_LINE_END: Final = b"\r\n"
_HEAD_END: Final = b"\r\n\r\n"
_INT: Final = struct.Struct("i")
_NO_BYTES: Final = bytes(_INT.size)


def _chunk(piece: "bytes | memoryview") -> tuple[bytes, bytes | memoryview, bytes]:
    """`piece` as a chunk of a chunked body, in parts."""
    return b"%x\r\n" % len(piece), piece, _LINE_END


class _Shared:
    """The piece that was written last, whoever's it was, and its frame once it is written again.

    A thousand streams are given one piece, one after another.
    """

    def __init__(self) -> None:
        self._piece = b""
        self._frame: bytes | None = None

    def frame(self, piece: "bytes | memoryview") -> bytes | None:
        """None when it is new: then it may be the only time. A view is one reader's part of a page, never shared."""
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
    """Stands before the real transport. A head waits for what follows it, and at most until the loop's next turn.

    It takes header lines that are the same in most answers ready made, and puts them into the head.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._transport = transport
        self._loop = loop
        self._gathered: list[bytes] = []
        self._head_lines = b""

    def add_to_next_head(self, lines: bytes) -> None:
        """Header lines, each with its line end, for the head that is written next."""
        self._head_lines = lines

    def write(self, data: "bytes | bytearray | memoryview[Any]") -> None:
        if data[:5] == HEAD_MARK:
            if not self._gathered:
                self._loop.call_soon(self._flush)
            self._gathered.append(self._complete(bytes(data)))
        elif self._gathered:
            self._gathered.append(bytes(data))
        else:
            # A stream's next bytes: with many streams, those of the first would wait until all have been written.
            self._transport.write(data)

    def write_chunk(self, piece: "bytes | memoryview") -> None:
        """Write a chunk of a chunked body. One that many connections are given in turn is put together once.

        Nothing is written for no bytes: a chunk of none ends the body.
        """
        if not piece or self.is_closing():
            return
        if self._gathered:
            self._gathered.extend(map(bytes, _chunk(piece)))
        elif (shared := _shared.frame(piece)) is not None:
            self._transport.write(shared)
        else:
            self._transport.writelines(_chunk(piece))

    def count_untaken_bytes(self) -> int:
        """How much of what was written the other side has yet to take: here and in the kernel, as far as it says."""
        gathered = sum(map(len, self._gathered)) + self._transport.get_write_buffer_size()
        sock = self._transport.get_extra_info("socket")
        if sock is None:
            return gathered
        try:
            (sent,) = _INT.unpack(fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, _NO_BYTES))
        except OSError:
            return gathered
        return gathered + int(sent)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def abort(self) -> None:
        # What a reader still takes at once may tell it more than a closed connection does.
        self._flush()
        self._transport.abort()

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)

    def pause_reading(self) -> None:
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        self._transport.resume_reading()

    def _complete(self, head: bytes) -> bytes:
        lines, self._head_lines = self._head_lines, b""
        fields, end, rest = head.partition(_HEAD_END)
        return fields + _LINE_END + lines + _LINE_END + rest if end else head

    def _flush(self) -> None:
        if self._gathered:
            gathered, self._gathered = self._gathered, []
            self._transport.write(gathered[0] if len(gathered) == 1 else b"".join(gathered))
