"""The service's side of a shim: starts `shim.py` with its pipes, sends it stop requests and reads its reports."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from solorun.steps.environment import ARTIFACTS
from solorun.steps.rlimits import INHERITED_SOFT_LIMIT

SHIM_PROGRAM: Final = str(Path(__file__).with_name("shim.py"))
SHIM_ARGUMENTS: Final = ("-I", "-S", SHIM_PROGRAM)


class ShimProcess:
    """A shim and its command.

    `stdout` and `stderr` are the read ends of the command's pipes. The reader closes them.
    """

    def __init__(self, process: subprocess.Popen[bytes], control: int, status: int, stdout: int, stderr: int) -> None:
        self._process = process
        self._control = control
        self._status = status
        self.stdout = stdout
        self.stderr = stderr

    @classmethod
    def start(cls, argv: Sequence[str], directory: Path, environ: Mapping[str, str]) -> "ShimProcess":
        """Start a shim for `argv`. This takes a millisecond and awaits nothing, so it cannot be cancelled halfway.

        Raises OSError or ValueError: no such directory, arguments too long, a NUL in an argument.
        """
        pipes: list[int] = []
        try:
            for _ in range(4):
                # Not loop.subprocess_exec: uvloop uses socket pairs, which cost twice the CPU.
                pipes += os.pipe()
            control, to_control, status, to_status, stdout, to_stdout, stderr, to_stderr = pipes
            process = subprocess.Popen(
                [
                    *(sys.executable, *SHIM_ARGUMENTS, str(control), str(to_status), str(INHERITED_SOFT_LIMIT)),
                    *(environ[ARTIFACTS], *argv),
                ],
                stdin=subprocess.DEVNULL,
                stdout=to_stdout,
                stderr=to_stderr,
                cwd=directory,
                env=environ,
                pass_fds=(control, to_status),
                start_new_session=True,
            )
        except BaseException:
            for fd in pipes:
                os.close(fd)
            raise
        for fd in (control, to_status, to_stdout, to_stderr):
            os.close(fd)
        return cls(process, to_control, status, stdout, stderr)

    @property
    def pid(self) -> int:
        return self._process.pid

    async def reports(self) -> AsyncIterator[tuple[str, str]]:
        """Yield each report as (kind, rest) until the shim has exited."""
        os.set_blocking(self._status, False)
        unfinished = b""
        while chunk := await self._read_status():
            *lines, unfinished = (unfinished + chunk).split(b"\n")
            for line in lines:
                kind, _, rest = line.decode(errors="replace").partition(" ")
                yield kind, rest

    def stop(self, grace_seconds: float) -> None:
        """Send SIGTERM to every process now and SIGKILL after the grace. A second call can only shorten the grace."""
        if self._control >= 0:
            try:
                os.write(self._control, b"stop %.3f\n" % grace_seconds)
            except BrokenPipeError:
                return  # the shim has exited; reports() ends

    async def close(self) -> None:
        """Close the pipes and wait for the shim to exit. It kills any remaining processes immediately."""
        for fd in (self._control, self._status):
            os.close(fd)
        self._control = -1
        while self._process.poll() is None:  # noqa: ASYNC110 - no event to wait for, and it takes a millisecond
            await asyncio.sleep(0.001)

    async def _read_status(self) -> bytes:
        loop = asyncio.get_running_loop()
        while True:
            try:
                return os.read(self._status, 4096)
            except BlockingIOError:
                readable = loop.create_future()
                loop.add_reader(self._status, _set, readable)
                try:
                    await readable
                finally:
                    loop.remove_reader(self._status)


def _set(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)
