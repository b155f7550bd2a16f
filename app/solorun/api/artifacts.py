"""Handlers that list and download a run's artifacts. Their contents are untrusted."""

import asyncio
import os
import re
import stat
from pathlib import Path
from typing import Final
from urllib.parse import quote

from solorun.api.path_parameters import run_id_of
from solorun.api.state import State
from solorun.errors import ArtifactNotFound
from solorun.execution import artifacts
from solorun.http.request import Request
from solorun.http.responses import Header, Response, StreamingResponse, json_response
from solorun.wire import ArtifactList

# The dashboard's content security policy admits scripts and styles of its own origin, which artifacts share.
_ACTIVE: Final = re.compile(r"script|css")
_READ_BYTES: Final = 256 * 1024
_DIRECTORY_FLAGS: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Without O_NONBLOCK, opening a FIFO would wait for its writer.
_FILE_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


async def list_artifacts(state: State, request: Request) -> Response:
    run = await state.service.manager.get_run(run_id_of(request))
    directory = state.service.directory.artifacts(run.id)
    return json_response(ArtifactList(tuple(await asyncio.to_thread(artifacts.list_artifacts, directory))))


async def download_artifact(state: State, request: Request) -> StreamingResponse:
    run = await state.service.manager.get_run(run_id_of(request))
    name = request.path_params["name"]
    descriptor = await asyncio.to_thread(open_beneath, state.service.directory.artifacts(run.id), name)
    size = os.fstat(descriptor).st_size
    media_type = artifacts.media_type_of(name)
    return StreamingResponse(
        FileChunks(descriptor, size),
        media_type=b"application/octet-stream" if _ACTIVE.search(media_type) else media_type.encode("ascii", "replace"),
        headers=[
            (b"content-length", b"%d" % size),
            content_disposition(name.rpartition("/")[2]),
            (b"content-security-policy", b"default-src 'none'; sandbox; frame-ancestors 'none'"),
        ],
        send_timeout_seconds=state.streams.limits.send_timeout_seconds,
    )


def open_beneath(directory: Path, name: str) -> int:
    """A descriptor of the regular file `name` below `directory`, even if the tree changes meanwhile.

    Each part is opened relative to the previous one and no link is followed, so no name and no race leads outside.
    Raises ArtifactNotFound.
    """
    parts = name.split("/")
    if any(part in ("", ".", "..") or "\0" in part for part in parts):
        raise ArtifactNotFound
    try:
        parent = os.open(directory, _DIRECTORY_FLAGS)
        for part in parts[:-1]:
            parent = _open_at(parent, part, _DIRECTORY_FLAGS)
        file = _open_at(parent, parts[-1], _FILE_FLAGS)
    except (OSError, UnicodeEncodeError):
        raise ArtifactNotFound from None
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise ArtifactNotFound
    return file


def content_disposition(name: str) -> Header:
    """An attachment with this name: exact (RFC 5987), and in ASCII for clients that do not support that."""
    plain = "".join(char if " " <= char <= "~" and char not in '"\\%' else "_" for char in name)
    return (b"content-disposition", f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}".encode("ascii"))


def _open_at(directory: int, name: str, flags: int) -> int:
    try:
        return os.open(name, flags, dir_fd=directory)
    finally:
        os.close(directory)


class FileChunks:
    """The first `size` bytes of an open file, which is closed with the response."""

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
            raise OSError("the file was truncated while it was read")
        self._left -= len(chunk)
        return chunk

    async def aclose(self) -> None:
        os.close(self._descriptor)
