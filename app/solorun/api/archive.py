"""Streams all artifacts of a run as one zip, without a copy of it on disk or in memory."""

import asyncio
import contextlib
import os
import zipfile
from collections.abc import AsyncGenerator, Generator, Iterator
from pathlib import Path
from typing import Final

from zipstream import ZipStream

from solorun.api.open_beneath import open_beneath
from solorun.errors import ArtifactNotFound
from solorun.execution.artifacts import find_files

_CHUNK_BYTES: Final = 256 * 1024


async def zip_chunks(directory: Path) -> AsyncGenerator[bytes, None]:
    """The zip's bytes in chunks. Files are opened one after another, while the zip is sent."""
    pieces = _zip(directory)
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
