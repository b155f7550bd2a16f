"""The service's side of a shim: starts the shim with its pipes, sends it requests and reads its reports."""

import asyncio
import contextlib
import os
import secrets
import subprocess
import sys
import termios
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from solorun.steps.environment import ARTIFACTS
from solorun.steps.rlimits import INHERITED_SOFT_LIMIT
from solorun.steps.shim.program import NONCE_BYTES

SHIM_PROGRAM: Final = str(Path(__file__).with_name("shim") / "run.py")
SHIM_ARGUMENTS: Final = ("-I", "-S", SHIM_PROGRAM)
FORGED: Final = "forged"
"""The kind of a line that the shim did not write."""

TERMINAL_SIZE: Final = (40, 120)
"""Rows and columns of a step's pseudo-terminal."""
_MAX_REPORT_BYTES: Final = 8192


@dataclass(eq=False, repr=False)
class ShimProcess:
    """A shim and its command.

    `stdout` and `stderr` are the ends of the command's pipes to read, or of its terminal. The reader closes them.
    `stderr` is None if stdout carries both.
    """

    process: subprocess.Popen[bytes]
    control: int
    status: int
    stdout: int
    stderr: int | None
    nonce: bytes

    def __post_init__(self) -> None:
        self._pidfd = _open_pidfd(self.process.pid)

    @classmethod
    def start(
        cls,
        argv: Sequence[str],
        directory: Path,
        environ: Mapping[str, str],
        *,
        inherited: Sequence[int] = (),
        deadline: int = -1,
        merge_stderr: bool = False,
        tty: bool = False,
    ) -> "ShimProcess":
        """Start a shim for `argv`. This takes a millisecond and awaits nothing, so it cannot be cancelled halfway.

        The command gets the `inherited` descriptors beside its standard ones. `deadline` is that of a WorkDeadline.
        Raises OSError or ValueError: no such directory, arguments too long, a NUL in an argument.
        """
        nonce = secrets.token_hex(NONCE_BYTES // 2).encode()
        pipes: list[int] = []
        try:
            outputs = [_open_terminal] if tty else [os.pipe] if merge_stderr else [os.pipe, os.pipe]
            for make in (os.pipe, os.pipe, *outputs):
                # Not loop.subprocess_exec: uvloop uses socket pairs, which cost twice the CPU.
                pipes += make()
            control, to_control, status, to_status, stdout, to_stdout, *error = pipes
            stderr, to_stderr = error or (None, to_stdout)
            os.write(to_control, nonce)
            process = subprocess.Popen(
                [
                    *(sys.executable, *SHIM_ARGUMENTS, str(control), str(to_status), str(INHERITED_SOFT_LIMIT)),
                    *map(_encode, (environ[ARTIFACTS], str(deadline), *argv)),
                ],
                stdin=subprocess.DEVNULL,
                stdout=to_stdout,
                stderr=to_stderr,
                cwd=directory,
                env={_encode(name): _encode(value) for name, value in environ.items()},
                pass_fds=(control, to_status, *inherited, *(() if deadline < 0 else (deadline,))),
                start_new_session=True,
            )
        except BaseException:
            for fd in pipes:
                os.close(fd)
            raise
        for fd in {control, to_status, to_stdout, to_stderr}:
            os.close(fd)
        for fd in (to_control, status):
            os.set_blocking(fd, False)
        return cls(process, to_control, status, stdout, stderr, nonce)

    @property
    def pid(self) -> int:
        return self.process.pid

    async def reports(self) -> AsyncIterator[tuple[str, str]]:
        """Yield each report as (kind, rest) until `done`, or until the shim has exited."""
        prefix, unfinished = self.nonce + b" ", b""
        while chunk := await self._read_status():
            *lines, unfinished = (unfinished + chunk).split(b"\n")
            for line in filter(None, lines):
                if not line.startswith(prefix):
                    yield FORGED, ""
                    continue
                kind, _, rest = line.removeprefix(prefix).decode(errors="replace").partition(" ")
                yield kind, rest
                if kind == "done":
                    return
            if len(unfinished) > _MAX_REPORT_BYTES:
                yield FORGED, ""
                unfinished = b""

    def stop(self, grace_seconds: float) -> None:
        """Send SIGTERM to every process now and SIGKILL after the grace. A second call can only shorten the grace."""
        self._request(b"stop %.3f\n" % grace_seconds)

    def ping(self) -> None:
        """Request an `alive` report."""
        self._request(b"ping\n")

    def send_signal(self, signum: int) -> None:
        """Signal the shim itself, if it has not exited."""
        self.process.send_signal(signum)

    async def wait_for_exit(self) -> None:
        """Return when the shim has exited and been reaped. Processes that it leaves are children of the service now."""
        while self.process.poll() is None:  # noqa: ASYNC110 - it takes a millisecond after `done`
            await asyncio.sleep(0.001)

    async def close(self) -> None:
        """Close the pipes and wait for the shim to exit. It kills any remaining processes immediately."""
        for fd in (self.control, self.status, self._pidfd):
            if fd >= 0:
                os.close(fd)
        self.control = -1
        await self.wait_for_exit()

    def _request(self, line: bytes) -> None:
        if self.control >= 0:
            # A broken pipe: the shim has exited, and reports() ends. A full one: it does not read, and gets no answer.
            with contextlib.suppress(BrokenPipeError, BlockingIOError):
                os.write(self.control, b"\n" + line)  # the command may have written an unfinished line

    async def _read_status(self) -> bytes:
        """Read what there is to read, or b"" at the end.

        A command that holds the pipe open could hide its end, so the exit of the shim counts too.
        """
        while True:
            has_exited = self._pidfd >= 0 and self.process.poll() is not None
            try:
                return os.read(self.status, 4096)
            except BlockingIOError:
                if has_exited:
                    return b""
                await self._wait_until_readable()

    async def _wait_until_readable(self) -> None:
        loop, readable = asyncio.get_running_loop(), asyncio.Event()
        watched = [fd for fd in (self.status, self._pidfd) if fd >= 0]
        for fd in watched:
            loop.add_reader(fd, readable.set)
        try:
            await readable.wait()
        finally:
            for fd in watched:
                loop.remove_reader(fd)


def _encode(text: str) -> bytes:
    """Text for a command: UTF-8, whatever the encoding of the service's locale."""
    return text.encode("utf-8", "surrogateescape")


def _open_terminal() -> tuple[int, int]:
    """A pseudo-terminal: the end to read, and the end for the command."""
    reading, writing = os.openpty()
    termios.tcsetwinsize(writing, TERMINAL_SIZE)
    return reading, writing


def _open_pidfd(pid: int) -> int:
    """A descriptor that becomes readable when the process exits; -1 where there is none (macOS, old kernels)."""
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return -1
