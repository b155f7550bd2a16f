"""Runs `solorun` with a clock that another process sets.

The clock is a small shared file: how far it is from the true time, the number of that setting, and the number of the
setting with which the scheduler has begun its last complete pass. A pipe beside it says that the clock was set.
"""

import asyncio
import mmap
import os
import struct
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NoReturn

from solorun import engine, service
from solorun.cli import main
from solorun.triggers import Scheduler, scheduler

_ERROR, _SETTING, _SEEN = 0, 8, 16
_SIZE: Final = 24


class SharedClock:
    """The clock of one service. Both processes open the same file."""

    def __init__(self, path: Path) -> None:
        with path.open("a+b") as file:
            file.truncate(_SIZE)
            self._memory = mmap.mmap(file.fileno(), _SIZE)
        pipe = path.with_suffix(".pipe")
        if not pipe.exists():
            os.mkfifo(pipe)
        self._pipe = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self._read("d", _ERROR))

    def set(self, time: datetime) -> None:
        """Let the clock show this time now."""
        self._write("d", _ERROR, (time - datetime.now(UTC)).total_seconds())
        self._write("q", _SETTING, self.setting + 1)
        os.write(self._pipe, b"!")

    async def wait_until_set(self, setting: int) -> None:
        """Wait until the clock has another setting than this one."""
        was_set = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_reader(self._pipe, was_set.set)
        try:
            while self.setting == setting:
                await was_set.wait()
                os.read(self._pipe, 1024)
                was_set.clear()
        finally:
            loop.remove_reader(self._pipe)

    @property
    def setting(self) -> int:
        return int(self._read("q", _SETTING))

    @property
    def is_seen(self) -> bool:
        """Whether the scheduler has made a pass since the clock was set."""
        return self._read("q", _SEEN) == self.setting

    def mark_seen(self, setting: int) -> None:
        self._write("q", _SEEN, setting)

    def _read(self, kind: str, at: int) -> float:
        return float(struct.unpack_from(kind, self._memory, at)[0])

    def _write(self, kind: str, at: int, value: float) -> None:
        struct.pack_into(kind, self._memory, at, value)


def run(clock: SharedClock) -> NoReturn:
    """Turn this process into a service with this clock."""
    look = Scheduler.start_due_runs
    seen = -1

    async def look_once(self: Scheduler) -> None:
        nonlocal seen
        await clock.wait_until_set(seen)
        setting = clock.setting
        await look(self)
        clock.mark_seen(setting)
        seen = setting

    engine.now = service.now = clock.now  # type: ignore[attr-defined]
    # The scheduler looks once for each setting, instead of every 10 s: days pass in milliseconds.
    Scheduler.start_due_runs = look_once  # type: ignore[method-assign]
    scheduler.MAX_WAIT_SECONDS = 0.0  # type: ignore[misc]
    sys.exit(main())
