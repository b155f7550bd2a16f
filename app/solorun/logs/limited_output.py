"""Limits what a run's steps write to its log: to the project's limit, and to the space that its disk has left."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from solorun.logs.channel import RECORD_OVERHEAD_BYTES, Channel
from solorun.project import LogLimit
from solorun.record import Level, Stream

_MAX_RESERVE_BYTES: Final = 128 * 1024 * 1024
_MIN_RESERVE_BYTES: Final = 12 * 1024 * 1024
"""What is on its way when the disk becomes low may still be written: the output that channels hold, the write-ahead
log, and the copy of it in the database."""
_LIMIT_REACHED: Final = "the log has reached its limit (log_limit): further output is not recorded"
_RUN_FAILS: Final = "the log has reached its limit (log_limit): the run fails"
_DISK_LOW: Final = "the disk is almost full: output is not recorded until space is free"


class DiskReserve:
    """The part of a disk that logs leave free, so that starts and ends of runs can still be written.

    It is 128 MiB, or a twentieth of a small disk, but at least 12 MiB. Once it is reached, logs wait until twice as
    much is free.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._low = False

    def is_low(self) -> bool:
        try:
            total, _, free = shutil.disk_usage(self._directory)
        except OSError:
            return False
        reserve = min(_MAX_RESERVE_BYTES, max(total // 20, _MIN_RESERVE_BYTES))
        self._low = free < (2 * reserve if self._low else reserve)
        return self._low


class LimitedOutput:
    """A StepOutput for all steps of one run. Beyond its limits, it drops what it gets and says so in the log.

    `fail_run` is called if the run has to fail at the limit of its log.
    """

    def __init__(
        self, channel: Channel, limit: LogLimit, *, is_disk_low: Callable[[], bool], fail_run: Callable[[], object]
    ) -> None:
        self._channel = channel
        self._bytes_left = limit.size_bytes
        self._fails_run = limit.then == "fail"
        self._is_disk_low = is_disk_low
        self._fail_run = fail_run
        self._dropped = 0
        self.writes = 0
        """Counts what the steps write, recorded or not."""
        self.add_mask = channel.add_mask
        self.mask = channel.mask
        self.pending_secret_length = channel.pending_secret_length

    @property
    def is_blocked(self) -> bool:
        """Whether a step cannot write now, because its run's channel is full."""
        return self._channel.is_full

    async def write(
        self, step: str, stream: Stream, lines: Sequence[str], *, level: Level = Level.INFO, partial: bool = False
    ) -> None:
        if self._accept(step, len(lines), sum(map(len, lines))):
            await self._channel.write(step, stream, lines, level=level, partial=partial)

    async def progress(self, step: str, current: int, total: int | None, item: str = "") -> None:
        if self._accept(step, 1, 0):
            await self._channel.progress(step, current, total, item)

    async def group(self, step: str, name: str, *, open: bool) -> None:
        if self._accept(step, 1, 0):
            await self._channel.group(step, name, open=open)

    def report_dropped(self, step: str) -> None:
        """Log how many lines were dropped since the last report."""
        if self._dropped:
            what = "1 line was" if self._dropped == 1 else f"{self._dropped:,} lines were"
            self._channel.log(f"{what} not recorded", level=Level.WARNING, step=step)
            self._dropped = 0

    def _accept(self, step: str, lines: int, characters: int) -> bool:
        self.writes += 1
        if self._bytes_left <= 0:
            reason = _RUN_FAILS if self._fails_run else _LIMIT_REACHED
        else:
            reason = _DISK_LOW if self._is_disk_low() else ""
        if not reason:
            self.report_dropped(step)
            self._bytes_left -= characters + lines * RECORD_OVERHEAD_BYTES
            return True
        if not self._dropped:
            self._channel.log(reason, level=Level.WARNING, step=step)
        if reason is _RUN_FAILS:
            self._fail_run()
        self._dropped += lines
        return False
