"""Artifacts that stay where the steps wrote them: in the data directory."""

import asyncio
import logging
import os
import shutil
import threading
import time
from bisect import bisect_right
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from solorun.artifacts import scan
from solorun.artifacts.file_chunks import FileChunks, read_file
from solorun.artifacts.open_beneath import open_beneath
from solorun.artifacts.scan import ArtifactScan, find_files, find_last_run_id, measure_artifacts
from solorun.artifacts.store import ArtifactPage
from solorun.errors import ArtifactNotFound
from solorun.settings import DataDirectory

_MAX_SCANS: Final = 8
_PAUSE_PER_SCAN: Final = 10
"""A directory is scanned again after ten times as long as its last scan computed: a small one is always fresh, and a
huge one costs a tenth of a thread however often it is listed."""

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


class ArtifactListings:
    """Scans artifact directories for readers, in threads that steps do not use. Readers of one run share a scan."""

    def __init__(self, directory: DataDirectory) -> None:
        self._directory = directory
        self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="solorun-artifacts")
        self._scans: dict[int, asyncio.Future[tuple[ArtifactScan, float]]] = {}

    async def list(self, run_id: int) -> ArtifactScan:
        """The run's artifacts, as they are now or, if the scan took long, as they were not long ago."""
        latest = self._scans.get(run_id)
        if latest is None or (latest.done() and latest.result()[1] <= time.monotonic()):
            latest = asyncio.get_running_loop().run_in_executor(self._threads, self._scan, run_id)
            self._scans.pop(run_id, None)
            self._scans[run_id] = latest
            for oldest in [each for each, one in self._scans.items() if one.done()][:-_MAX_SCANS]:
                del self._scans[oldest]
        artifacts, _ = await asyncio.shield(latest)
        return artifacts

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _scan(self, run_id: int) -> tuple[ArtifactScan, float]:
        """The scan, and until when it may be used."""
        began = time.thread_time()
        artifacts = scan.scan_artifacts(self._directory.artifacts(run_id))
        return artifacts, time.monotonic() + _PAUSE_PER_SCAN * (time.thread_time() - began)


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
