"""Runs `solorun` with a clock that another process sets.

The clock is a small shared file: how far it is from the true time, the number of that setting, and the number of the
setting with which the scheduler has begun its last complete pass.
"""

import mmap
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

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self._read("d", _ERROR))

    def set(self, time: datetime) -> None:
        """Let the clock show this time now."""
        self._write("d", _ERROR, (time - datetime.now(UTC)).total_seconds())
        self._write("q", _SETTING, self.setting + 1)

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

    async def look_and_note(self: Scheduler) -> None:
        setting = clock.setting
        await look(self)
        clock.mark_seen(setting)

    engine.now = service.now = clock.now  # type: ignore[attr-defined]
    Scheduler.start_due_runs = look_and_note  # type: ignore[method-assign]
    # A clock that is set is noticed after this time. Days pass in a few of them.
    scheduler.MAX_WAIT_SECONDS = 0.01  # type: ignore[misc]
    sys.exit(main())
