"""Carries one pipe of a command to the step's output: reads chunks, has them made into lines, obeys workflow commands.

While the output waits nothing is read, so that a fast command waits too.
"""

import array
import asyncio
import fcntl
import logging
import os
import termios
from typing import Final

from solorun.record import Stream
from solorun.step import StepContext
from solorun.steps.line_splitter import LineBatch, LineSplitter
from solorun.steps.workflow_commands import WorkflowCommandInterpreter, parse_workflow_command

CHUNK_BYTES: Final = 64 * 1024
UNFINISHED_SECONDS: Final = 0.5
"""So long a line may stand unfinished before what there is of it becomes a record."""

logger = logging.getLogger(__name__)


class PipeReader:
    """Reads `fd` (which it owns) until its end, or until `finish` lets it go.

    With `interpreter` lines that are workflow commands are obeyed instead of being recorded.
    """

    def __init__(
        self, fd: int, stream: Stream, context: StepContext, interpreter: WorkflowCommandInterpreter | None = None
    ) -> None:
        os.set_blocking(fd, False)
        self._fd = fd
        self._stream = stream
        self._step = context.name
        self._output = context.output
        self._interpreter = interpreter
        self._assembler = LineSplitter(
            mask=self._output.mask,
            pending_secret_length=self._output.pending_secret_length,
            takes_commands=interpreter is not None,
        )
        self._read_bytes = 0
        self._last_byte: int | None = None
        self._unfinished_since: float | None = None
        self._readable: asyncio.Future[None] | None = None
        self.is_waiting_for_output = False

    async def run(self) -> None:
        """Returns when everything read is in the output."""
        try:
            while self._last_byte is None or self._read_bytes < self._last_byte:
                try:
                    chunk = os.read(self._fd, CHUNK_BYTES)
                except BlockingIOError:
                    await self._wait_until_readable()
                    continue
                if not chunk:
                    break
                self._read_bytes += len(chunk)
                await self._take(chunk)
                await asyncio.sleep(0)  # an output that never waits must not keep the loop from others
            for lines in self._assembler.finish():
                await self._say(lines)
        finally:
            os.close(self._fd)
            self._fd = -1

    def finish(self) -> None:
        """Read what is in the pipe by now, and nothing that comes later. For when nobody is left who should write."""
        if self._fd < 0:
            return
        available = array.array("i", [0])
        fcntl.ioctl(self._fd, termios.FIONREAD, available)
        self._last_byte = self._read_bytes + available[0]
        self._wake()

    async def _take(self, chunk: bytes) -> None:
        begun_anew = False
        for lines in self._assembler.feed(chunk):
            begun_anew = True
            await self._say(lines)
        if not self._assembler.unfinished:
            self._unfinished_since = None
        elif begun_anew or self._unfinished_since is None:
            self._unfinished_since = asyncio.get_running_loop().time()

    async def _wait_until_readable(self) -> None:
        loop = asyncio.get_running_loop()
        self._readable = loop.create_future()
        loop.add_reader(self._fd, self._wake)
        timer = None
        if self._unfinished_since is not None:
            timer = loop.call_at(self._unfinished_since + UNFINISHED_SECONDS, self._wake)
        try:
            await self._readable
        finally:
            loop.remove_reader(self._fd)
            if timer is not None:
                timer.cancel()
        if self._unfinished_since is not None and loop.time() >= self._unfinished_since + UNFINISHED_SECONDS:
            self._unfinished_since = None
            for lines in self._assembler.flush():
                await self._say(lines)

    def _wake(self) -> None:
        if self._readable is not None and not self._readable.done():
            self._readable.set_result(None)

    async def _say(self, lines: LineBatch) -> None:
        self.is_waiting_for_output = True
        try:
            if self._interpreter is not None and lines.may_command:
                await self._say_and_obey(lines, self._interpreter)
            else:
                await self._write(lines.texts, partial=lines.partial)
        except Exception:
            # A log that fails must not end the work: the command would wait for ever on a pipe that nobody reads.
            logger.exception("output of step %s was lost", self._step)
        finally:
            self.is_waiting_for_output = False

    async def _say_and_obey(self, lines: LineBatch, interpreter: WorkflowCommandInterpreter) -> None:
        said = 0
        for index in lines.whole:
            command = parse_workflow_command(lines.texts[index])
            if command is not None:
                if said < index:
                    await self._write(lines.texts[said:index], partial=False)
                await interpreter.execute(command)
                said = index + 1
        if said < len(lines.texts):
            await self._write(lines.texts[said:], partial=lines.partial)

    async def _write(self, texts: list[str], *, partial: bool) -> None:
        await self._output.write(self._step, self._stream, texts, partial=partial)
