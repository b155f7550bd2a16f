"""One process of the demo. It ends when the demo does, and gets no signal from the terminal."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from solorun.errors import SolorunError

_LAUNCHER: Final = Path(__file__).with_name("launcher.py")
_STOP_SECONDS: Final = 40.0
"""Longer than a process waits for its runs to stop."""


class ProcessEnded(SolorunError):
    """A process of the demo has ended unexpectedly."""


class Child:
    """A running process. Its output is in `log`."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, log: Path) -> None:
        self.name = name
        self._process = process
        self._log = log

    @property
    def pid(self) -> int:
        return self._process.pid

    async def find_line(self, text: str) -> str:
        """Wait for a line of output that contains `text`, and return it. Raises ProcessEnded."""
        while True:
            ended = self._process.returncode is not None
            output = self._log.read_text("utf-8", errors="replace")
            for line in output.splitlines():
                if text in line:
                    return line
            if ended:
                raise ProcessEnded(f"{self.name} has ended with {self._process.returncode}:\n{output.strip()}")
            await asyncio.sleep(0.02)

    async def wait(self) -> int:
        return await self._process.wait()

    async def _stop(self, signals: tuple[signal.Signals, ...]) -> None:
        try:
            if self._process.returncode is None:
                for number in signals:
                    self._process.send_signal(number)
            with suppress(TimeoutError):
                async with asyncio.timeout(_STOP_SECONDS):
                    await self._process.wait()
        finally:
            if self._process.returncode is None:
                self._process.kill()
                await asyncio.shield(self._process.wait())


@asynccontextmanager
async def running(
    name: str,
    *program: str | Path,
    log: Path,
    environ: Mapping[str, str] | None = None,
    stop: tuple[signal.Signals, ...] = (signal.SIGTERM,),
    on_death: signal.Signals = signal.SIGKILL,
    uid: int = -1,
) -> AsyncIterator[Child]:
    """Run a program within this block. `stop` ends it, and `on_death` does if this process is killed."""
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", _LAUNCHER, str(os.getpid()), str(int(on_death)), str(uid), *program),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environ,
            start_new_session=True,
        )
    child = Child(name, process, log)
    try:
        yield child
    finally:
        await child._stop(stop)
