"""Copies one pipe of a command to the step's output: reads chunks, splits them into lines, executes workflow commands.

Nothing is read while the output is full, so a fast command is slowed down by its pipe.
"""

import array
import asyncio
import errno
import fcntl
import logging
import os
import termios
from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass
from itertools import groupby
from typing import Final

from solorun.outcome import MAX_ERROR_MESSAGE_CHARACTERS
from solorun.record import Level, Stream
from solorun.step import StepContext
from solorun.steps.levels import detect_levels
from solorun.steps.line_splitter import LineBatch, LineSplitter
from solorun.steps.telling_line import TellingLine
from solorun.steps.workflow_commands import WorkflowCommandInterpreter, parse_workflow_command

CHUNK_BYTES: Final = 64 * 1024
UNFINISHED_SECONDS: Final = 0.5
"""An unfinished line becomes a record after this time."""

logger = logging.getLogger("solorun.steps")


@dataclass(eq=False, repr=False)
class PipeReader:
    """Reads `fd`, which it owns, until the end of the pipe or until `finish` is called.

    Workflow commands are executed instead of being logged; on stderr, only `::add-mask::` is one.
    """

    fd: int
    stream: Stream
    context: StepContext
    interpreter: WorkflowCommandInterpreter
    telling_line: TellingLine
    _: KW_ONLY
    detects_levels: bool

    def __post_init__(self) -> None:
        os.set_blocking(self.fd, False)
        self._step = self.context.name
        self._output = self.context.output
        self._splitter = LineSplitter(mask=self._output.mask, pending_secret_length=self._output.pending_secret_length)
        self._read_bytes = 0
        self._last_byte: int | None = None
        self._unfinished_since: float | None = None
        self._unfinished_level = Level.INFO
        self._unfinished = ""
        self._readable = asyncio.Event()
        self.is_waiting_for_output = False

    async def run(self) -> None:
        """Return when all that was read has been written to the output."""
        try:
            while self._last_byte is None or self._read_bytes < self._last_byte:
                try:
                    chunk = os.read(self.fd, CHUNK_BYTES)
                except BlockingIOError:
                    if self._last_byte is not None:
                        break
                    await self._wait_until_readable()
                    continue
                except OSError as error:
                    if error.errno == errno.EIO:  # the end of a terminal
                        break
                    raise
                if not chunk:
                    break
                self._read_bytes += len(chunk)
                await self._handle(chunk)
                await asyncio.sleep(0)  # an output that never waits must not starve other tasks
            await self._log_all(self._splitter.finish(), in_thread=self._splitter.is_slow())
            self.telling_line.add_lines(self.stream, [self._unfinished])
        finally:
            os.close(self.fd)
            self.fd = -1

    def finish(self) -> None:
        """Read only what is in the pipe now. Call this when no process of the step is left to write."""
        if self.fd < 0:
            return
        available = array.array("i", [0])
        fcntl.ioctl(self.fd, termios.FIONREAD, available)
        # A terminal holds more than it counts. If a stranger keeps writing to it, this is the limit.
        self._last_byte = self._read_bytes + (CHUNK_BYTES if os.isatty(self.fd) else available[0])
        self._readable.set()

    async def _handle(self, chunk: bytes) -> None:
        has_lines = await self._log_all(self._splitter.feed(chunk), in_thread=self._splitter.is_slow(chunk))
        if not self._splitter.unfinished:
            self._unfinished_since = None
        elif has_lines or self._unfinished_since is None:
            self._unfinished_since = asyncio.get_running_loop().time()

    async def _wait_until_readable(self) -> None:
        loop = asyncio.get_running_loop()
        self._readable.clear()
        loop.add_reader(self.fd, self._readable.set)
        timer = None
        if self._unfinished_since is not None:
            timer = loop.call_at(self._unfinished_since + UNFINISHED_SECONDS, self._readable.set)
        try:
            await self._readable.wait()
        finally:
            loop.remove_reader(self.fd)
            if timer is not None:
                timer.cancel()
        if self._unfinished_since is not None and loop.time() >= self._unfinished_since + UNFINISHED_SECONDS:
            self._unfinished_since = None
            await self._log_all(self._splitter.flush(), in_thread=self._splitter.is_slow())

    async def _log_all(self, batches: Iterator[LineBatch], *, in_thread: bool) -> bool:
        """False if there is none. A thread searches long lines for secrets."""
        has_lines = False
        while True:
            lines = await asyncio.to_thread(next, batches, None) if in_thread else next(batches, None)
            if lines is None:
                return has_lines
            has_lines = True
            await self._log(lines)

    async def _log(self, lines: LineBatch) -> None:
        self.is_waiting_for_output = True
        try:
            if lines.may_be_command:
                await self._log_and_execute(lines)
            else:
                await self._write(lines, 0, len(lines.texts))
        except Exception:
            # Keep reading even if the log fails: the command would wait forever on a full pipe.
            logger.exception("lost output of step %s", self._step)
        finally:
            self.is_waiting_for_output = False

    async def _log_and_execute(self, lines: LineBatch) -> None:
        written = 0
        for index in lines.whole:
            command = parse_workflow_command(lines.texts[index])
            if command is not None and (self.stream is Stream.STDOUT or command.name == "add-mask"):
                if written < index:
                    await self._write(lines, written, index)
                if command.level is Level.ERROR:
                    self.telling_line.add_error(command.text)
                await self.interpreter.execute(command)
                if command.name == "add-mask":
                    await asyncio.sleep(0)  # Finding the encodings of a value takes long.
                written = index + 1
        if written < len(lines.texts):
            await self._write(lines, written, len(lines.texts))

    async def _write(self, lines: LineBatch, begin: int, end: int) -> None:
        texts = lines.texts[begin:end]
        partial = lines.partial and end == len(lines.texts)
        continues = lines.continues and begin == 0
        self._note_lines(texts, continues=continues, partial=partial)
        levels = detect_levels(texts) if self.detects_levels else None
        if continues and self._unfinished_level is not Level.INFO:
            levels = levels or [Level.INFO] * len(texts)
        if continues and levels:
            levels[0] = self._unfinished_level
        self._unfinished_level = levels[-1] if levels else Level.INFO
        groups = (
            [(level, len(list(group))) for level, group in groupby(levels)] if levels else [(Level.INFO, len(texts))]
        )
        begin = 0
        for level, count in groups:
            end = begin + count
            is_cut = partial and end == len(texts)
            await self._output.write(self._step, self.stream, texts[begin:end], level=level, partial=is_cut)
            begin = end

    def _note_lines(self, texts: list[str], *, continues: bool, partial: bool) -> None:
        """Lines may say why the command failed. Of a long one, that is the beginning."""
        if continues:
            begun = self._unfinished
            texts = [begun if len(begun) > MAX_ERROR_MESSAGE_CHARACTERS else begun + texts[0], *texts[1:]]
        self._unfinished = texts[-1] if partial else ""
        self.telling_line.add_lines(self.stream, texts[:-1] if partial else texts)
