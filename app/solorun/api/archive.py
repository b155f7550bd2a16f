"""Streams all artifacts of a run as one zip, without a copy of it on disk or in memory."""

import asyncio
import contextlib
import zipfile
from collections.abc import AsyncGenerator, Generator, Iterator
from typing import Final

from zipstream import ZipStream

_CHUNK_BYTES: Final = 256 * 1024


async def zip_chunks(files: Iterator[tuple[str, Iterator[bytes]]]) -> AsyncGenerator[bytes, None]:
    """The zip's bytes in chunks. Files are opened one after another, while the zip is sent."""
    pieces = _zip(files)
    try:
        while chunk := await asyncio.to_thread(_join, pieces):
            yield chunk
    finally:
        # A cancelled response leaves a thread behind, which may still be producing. The file is then closed later.
        with contextlib.suppress(ValueError):
            pieces.close()


def _join(pieces: Iterator[bytes]) -> bytes:
    chunk = bytearray()
    for piece in pieces:
        chunk += piece
        if len(chunk) >= _CHUNK_BYTES:
            break
    return bytes(chunk)


def _zip(files: Iterator[tuple[str, Iterator[bytes]]]) -> Generator[bytes]:
    archive = ZipStream(compress_type=zipfile.ZIP_DEFLATED, compress_level=1)
    for name, content in files:
        archive.add(content, name)
        yield from archive.file()
    yield from archive.finalize()
