"""Reads an open file in chunks, in threads."""

import asyncio
import os
from collections.abc import Iterator
from typing import Final

_READ_BYTES: Final = 256 * 1024


class FileChunks:
    """`size` bytes of an open file, which is closed with the response."""

    def __init__(self, descriptor: int, size: int, *, start: int = 0) -> None:
        os.lseek(descriptor, start, os.SEEK_SET)
        self._descriptor = descriptor
        self._left = size

    def __aiter__(self) -> "FileChunks":
        return self

    async def __anext__(self) -> bytes:
        if self._left == 0:
            raise StopAsyncIteration
        chunk = await asyncio.to_thread(os.read, self._descriptor, min(self._left, _READ_BYTES))
        if not chunk:
            raise OSError("the file was truncated while it was read")
        self._left -= len(chunk)
        return chunk

    async def aclose(self) -> None:
        os.close(self._descriptor)


def read_file(descriptor: int) -> Iterator[bytes]:
    """Yield the rest of an open file, which is closed at the end. Blocks: use a thread."""
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        while chunk := file.read(_READ_BYTES):
            yield chunk
