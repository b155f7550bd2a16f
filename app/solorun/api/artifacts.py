"""Handlers that list and hand out the files that a run left. What such a file holds is nobody's to trust."""

import asyncio
import os
import stat
from pathlib import Path
from typing import Final
from urllib.parse import quote

from solorun.errors import ArtifactNotFound
from solorun.execution.artifacts import list_artifacts, media_type_of
from solorun.http.request import Request
from solorun.http.responses import Header, Response, StreamingResponse, json_response
from solorun.wire import ArtifactList

_READ_BYTES: Final = 256 * 1024
_DIRECTORY_FLAGS: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Without O_NONBLOCK the opening of a FIFO would wait for its writer.
_FILE_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


async def get_artifacts(request: Request) -> Response:
    run = await request.service.manager.get_run(request.run_id)
    directory = request.service.directory.artifacts(run.id)
    return json_response(ArtifactList(tuple(await asyncio.to_thread(list_artifacts, directory))))


async def download_artifact(request: Request) -> StreamingResponse:
    run = await request.service.manager.get_run(request.run_id)
    name = request.path["name"]
    descriptor = await asyncio.to_thread(open_beneath, request.service.directory.artifacts(run.id), name)
    size = os.fstat(descriptor).st_size
    return StreamingResponse(
        FileChunks(descriptor, size),
        media_type=media_type_of(name).encode("ascii", "replace"),
        headers=[
            (b"content-length", b"%d" % size),
            content_disposition(name.rpartition("/")[2]),
            (b"content-security-policy", b"default-src 'none'; sandbox; frame-ancestors 'none'"),
        ],
    )


def open_beneath(directory: Path, name: str) -> int:
    """A descriptor of the regular file `name` below `directory`, whatever is done to the tree meanwhile.

    Each part is opened from the one before it and no link is followed, so that no name and no race leads out.
    Raises ArtifactNotFound.
    """
    parts = name.split("/")
    if any(part in ("", ".", "..") or "\0" in part for part in parts):
        raise ArtifactNotFound
    try:
        here = os.open(directory, _DIRECTORY_FLAGS)
        for part in parts[:-1]:
            here = _step_down(here, part, _DIRECTORY_FLAGS)
        file = _step_down(here, parts[-1], _FILE_FLAGS)
    except (OSError, UnicodeEncodeError):
        raise ArtifactNotFound from None
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise ArtifactNotFound
    return file


def content_disposition(name: str) -> Header:
    """An attachment of this name: as it is (RFC 5987), and in ASCII for those who do not know that."""
    plain = "".join(char if " " <= char <= "~" and char not in '"\\%' else "_" for char in name)
    return (b"content-disposition", f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}".encode("ascii"))


def _step_down(directory: int, name: str, flags: int) -> int:
    try:
        return os.open(name, flags, dir_fd=directory)
    finally:
        os.close(directory)


class FileChunks:
    """`size` bytes of an open file, closed with the answer: what is appended meanwhile is left out."""

    def __init__(self, descriptor: int, size: int) -> None:
        self._descriptor = descriptor
        self._left = size

    def __aiter__(self) -> "FileChunks":
        return self

    async def __anext__(self) -> bytes:
        if self._left == 0:
            raise StopAsyncIteration
        chunk = await asyncio.to_thread(os.read, self._descriptor, min(self._left, _READ_BYTES))
        if not chunk:
            raise OSError("the file became shorter while it was read")
        self._left -= len(chunk)
        return chunk

    async def aclose(self) -> None:
        os.close(self._descriptor)
