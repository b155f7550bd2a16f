"""Streams all artifacts of a run as one zip, without a copy of it on disk or in memory."""

import asyncio
import os
import threading
import zipfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Final

from zipstream import ZipStream

from solorun.api.open_beneath import open_beneath
from solorun.errors import ArtifactNotFound
from solorun.execution.artifacts import find_files

_CHUNK_BYTES: Final = 256 * 1024


class ZipChunks:
    """The zip's bytes in chunks. Files are opened one after another, while the zip is sent."""

    def __init__(self, directory: Path) -> None:
        self._pieces = _zip(directory)
        self._lock = threading.Lock()

    def __aiter__(self) -> "ZipChunks":
        return self

    async def __anext__(self) -> bytes:
        if chunk := await asyncio.to_thread(self._produce):
            return chunk
        raise StopAsyncIteration

    async def aclose(self) -> None:
        await asyncio.to_thread(self._close)

    def _produce(self) -> bytes:
        chunk = bytearray()
        with self._lock:
            for piece in self._pieces:
                chunk += piece
                if len(chunk) >= _CHUNK_BYTES:
                    break
        return bytes(chunk)

    def _close(self) -> None:
        # A cancelled response leaves a thread behind, which may still be producing.
        with self._lock:
            self._pieces.close()


def _zip(directory: Path) -> Generator[bytes]:
    archive = ZipStream(compress_type=zipfile.ZIP_DEFLATED, compress_level=1)
    for name, _ in find_files(directory, []):
        try:
            descriptor = open_beneath(directory, name)
        except ArtifactNotFound:
            continue  # Gone since it was listed.
        archive.add(_read(descriptor), name)
        yield from archive.file()
    yield from archive.finalize()


def _read(descriptor: int) -> Iterator[bytes]:
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk
