"""A transport that keeps the head of an answer until its body comes, so that both are one packet.

A write to a socket costs as much as everything that we do for a small answer.
"""

import asyncio
from typing import Any, Final

HEAD_MARK: Final = b"HTTP/"


class GatheringTransport(asyncio.Transport):
    """Stands before the real transport. A head waits for what follows it, and at most until the loop's next turn."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._transport = transport
        self._loop = loop
        self._gathered: list[bytes] = []

    def write(self, data: "bytes | bytearray | memoryview[Any]") -> None:
        if self._gathered:
            self._gathered.append(bytes(data))
        elif data[:5] == HEAD_MARK:
            self._gathered.append(bytes(data))
            self._loop.call_soon(self._flush)
        else:
            # A stream's next bytes: with many streams, those of the first would wait until all have been written.
            self._transport.write(data)

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

    def _flush(self) -> None:
        if self._gathered:
            gathered, self._gathered = self._gathered, []
            self._transport.write(gathered[0] if len(gathered) == 1 else b"".join(gathered))
