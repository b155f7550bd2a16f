"""Scans artifact directories for readers, in threads that steps do not use."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from solorun.artifacts import scan
from solorun.artifacts.scan import ArtifactScan
from solorun.settings import DataDirectory

_MAX_SCANS: Final = 8
_PAUSE_PER_SCAN: Final = 10
"""A directory is scanned again after ten times as long as its last scan computed: a small one is always fresh, and a
huge one costs a tenth of a thread however often it is listed."""


class ArtifactListings:
    """Readers of one run share a scan."""

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
