"""A worker as users run it: `solorun worker` in its own process."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.fakes.running_service import START_LIMIT_SECONDS, ServedService

READY = b" executes up to "
"""Part of the line that a worker prints when it has started."""


class RunningWorker(ServedService):
    """A worker process for one directory. It has no address, and can be killed and restarted with the same data."""

    capacity = 4

    def start(self) -> None:
        """Start the worker and return when it executes runs."""
        self.log_file.touch()
        size = self.log_file.stat().st_size
        self._process = self._spawn(["worker", "--capacity", str(self.capacity)])
        deadline = time.monotonic() + START_LIMIT_SECONDS
        while READY not in self.log_file.read_bytes()[size:]:
            assert self._process.poll() is None, self.log_file.read_text()
            assert time.monotonic() < deadline, self.log_file.read_text()
            time.sleep(0.01)


@contextmanager
def working(directory: Path, configuration: str, database_url: str, *, capacity: int = 4) -> Iterator[RunningWorker]:
    """A running worker, stopped at the end of the block with what it executes."""
    directory.mkdir()
    worker = RunningWorker(directory, configuration, {"SOLORUN_DATABASE_URL": database_url})
    worker.capacity = capacity
    try:
        worker.start()
        yield worker
    finally:
        worker.kill()
