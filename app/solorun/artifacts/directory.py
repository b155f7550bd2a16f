"""Artifacts that stay where the steps wrote them: in the data directory."""

import asyncio
import logging
import os
import shutil
import threading
from bisect import bisect_right
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from solorun.artifacts.file_chunks import FileChunks, read_file
from solorun.artifacts.listings import ArtifactListings
from solorun.artifacts.open_beneath import open_beneath
from solorun.artifacts.scan import find_files, find_last_run_id, measure_artifacts
from solorun.artifacts.store import ArtifactPage
from solorun.errors import ArtifactNotFound
from solorun.settings import DataDirectory

_logger: Final = logging.getLogger("solorun.artifacts")


class DirectoryArtifacts:
    """An ArtifactStore. Never follows a link out of a run's directory."""

    def __init__(self, directory: DataDirectory) -> None:
        self._directory = directory
        self._listings = ArtifactListings(directory)

    async def list_page(self, run_id: int, *, after: str, limit: int) -> ArtifactPage:
        scan = await self._listings.list(run_id)
        start = bisect_right(scan.artifacts, after, key=lambda artifact: artifact.name)
        page = scan.artifacts[start : start + limit]
        return ArtifactPage(page, start + len(page) < len(scan.artifacts), scan.truncated)

    async def open(self, run_id: int, name: str) -> "OpenFile":
        return OpenFile(await asyncio.to_thread(open_beneath, self._directory.artifacts(run_id), name))

    async def read_all(self, run_id: int) -> Iterator[tuple[str, Iterator[bytes]]]:
        return _read_all(self._directory.artifacts(run_id))

    async def upload(self, run_id: int, names: Sequence[str]) -> AsyncGenerator[tuple[str, str | None]]:  # noqa: ARG002
        for name in names:
            yield name, None

    async def fetch(self, run_id: int) -> bool:  # noqa: ARG002 - they never left
        return False

    async def release(self, run_id: int) -> None:
        pass

    async def measure(self, run_ids: Sequence[int]) -> Mapping[int, int]:
        return await asyncio.to_thread(
            lambda: {run_id: measure_artifacts(self._directory.artifacts(run_id)) for run_id in run_ids}
        )

    async def remove(self, run_ids: Sequence[int]) -> None:
        stopping = threading.Event()
        try:
            await asyncio.to_thread(self._remove, run_ids, stopping)
        finally:
            # A process that ends waits for the thread. The first pass of the next service continues.
            stopping.set()

    async def find_last_run_id(self) -> int:
        return await asyncio.to_thread(find_last_run_id, self._directory.all_artifacts)

    def close(self) -> None:
        self._listings.close()

    def _remove(self, run_ids: Sequence[int], stopping: threading.Event) -> None:
        for run_id in run_ids:
            if stopping.is_set():
                return
            try:
                remove_artifacts(self._directory, run_id)
            except OSError as error:
                _logger.warning("The artifacts of run %d, which was deleted, cannot be deleted: %s", run_id, error)


class OpenFile:
    """An OpenArtifact."""

    def __init__(self, descriptor: int) -> None:
        status = os.fstat(descriptor)
        self._descriptor = descriptor
        self.size_bytes = status.st_size
        self.tag = b'"%x-%x-%x"' % (status.st_ino, status.st_mtime_ns, status.st_size)

    def read(self, part: range) -> FileChunks:
        return FileChunks(self._descriptor, len(part), start=part.start)

    def close(self) -> None:
        os.close(self._descriptor)


def remove_artifacts(directory: DataDirectory, run_id: int) -> None:
    """Delete a run's artifact directory, if it exists. A link in its place is deleted, not what it refers to. Blocks.

    Raises OSError if something cannot be deleted. The rest is deleted all the same.
    """
    path = directory.artifacts(run_id)
    if path.is_symlink() or path.is_file():
        path.unlink(missing_ok=True)
        return
    try:
        # It opens each directory by its descriptor: a process that is still there cannot replace one by a link.
        shutil.rmtree(path)
    except OSError:
        shutil.rmtree(path, ignore_errors=True)
        if os.path.lexists(path):
            raise


def _read_all(directory: Path) -> Iterator[tuple[str, Iterator[bytes]]]:
    for name, _ in find_files(directory, []):
        try:
            descriptor = open_beneath(directory, name)
        except ArtifactNotFound:
            continue  # Gone since it was listed.
        yield name, read_file(descriptor)
