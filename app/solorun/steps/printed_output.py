"""Sends what a coroutine step prints and logs to its run's log: `print`, other writes to stdout and stderr, `logging`.

A context variable names the step. Tasks that a coroutine starts inherit it, and so do threads of `asyncio.to_thread`.
"""

import asyncio
import logging
import os
import sys
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import groupby
from typing import Any, Final

from solorun.record import Level, Stream
from solorun.step import StepOutput

MAX_QUEUED_LINES: Final = 10_000
"""How many lines a coroutine may print before it has to await, so that they can be written."""
_LINES_OF_THREAD: Final = 1_000
_MAX_WAIT_SECONDS: Final = 30.0

_current: ContextVar["PrintedOutput | None"] = ContextVar("printed_output", default=None)
_logger = logging.getLogger(__name__)


class PrintedOutput:
    """The StepOutput of one coroutine step. Keeps printed lines and calls in order. Belongs to one event loop.

    On the event loop, printing does not wait. In another thread, it waits while too many lines are queued.
    """

    def __init__(self, step: str, output: StepOutput) -> None:
        self._step = step
        self._output = output
        self.add_mask = output.add_mask
        self.mask = output.mask
        self.pending_secret_length = output.pending_secret_length
        self.loop = asyncio.get_running_loop()
        self._loop_thread = threading.get_ident()
        self._unfinished: dict[tuple[Stream, int], list[str]] = {}
        """The pieces of each thread's unfinished line. They are joined once, when the line ends."""
        self._queue: deque[tuple[Stream, Level, str]] = deque()
        self._dropped = 0
        self._has_room = threading.Event()
        self._has_room.set()
        self._writing = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self.is_open = True

    # -- for the context variable

    def print(self, stream: Stream, text: str) -> None:
        line = self._unfinished.setdefault((stream, threading.get_ident()), [])
        end, *lines = text.split("\n")
        line.append(end)
        if lines:
            lines.insert(0, "".join(line))
            line[:] = [lines.pop()]
            self._put(stream, Level.INFO, lines)

    def log(self, level: Level, text: str) -> None:
        self._put(Stream.STEP, level, [text])

    async def finish(self) -> None:
        """Write what is left. Later prints go to the service's own output."""
        self.is_open = False
        for (stream, _), line in list(self._unfinished.items()):
            if text := "".join(line):
                self._queue.append((stream, Level.INFO, text))
        await self._write_queue()

    # -- StepOutput

    async def write(
        self, step: str, stream: Stream, lines: Sequence[str], *, level: Level = Level.INFO, partial: bool = False
    ) -> None:
        await self._write_queue()
        await self._output.write(step, stream, lines, level=level, partial=partial)

    async def progress(self, step: str, current: int, total: int | None, item: str = "") -> None:
        await self._write_queue()
        await self._output.progress(step, current, total, item)

    async def group(self, step: str, name: str, *, open: bool) -> None:
        await self._write_queue()
        await self._output.group(step, name, open=open)

    def _put(self, stream: Stream, level: Level, lines: Sequence[str]) -> None:
        if threading.get_ident() == self._loop_thread:
            self._enqueue(stream, level, lines, max(0, MAX_QUEUED_LINES - len(self._queue)))
            self._start_writing()
            return
        for begin in range(0, len(lines), _LINES_OF_THREAD):
            # The wait is limited, because the event loop may be waiting for a lock that this thread holds.
            room = _LINES_OF_THREAD if self._has_room.wait(_MAX_WAIT_SECONDS) else 0
            self._enqueue(stream, level, lines[begin : begin + _LINES_OF_THREAD], room)
            self.loop.call_soon_threadsafe(self._start_writing)

    def _enqueue(self, stream: Stream, level: Level, lines: Sequence[str], room: int) -> None:
        self._queue.extend((stream, level, line) for line in lines[:room])
        self._dropped += len(lines[room:])
        if len(self._queue) >= MAX_QUEUED_LINES:
            self._has_room.clear()

    def _start_writing(self) -> None:
        if len(self._queue) < MAX_QUEUED_LINES:  # the queue may have been written since a thread filled it
            self._has_room.set()
        if self._queue and (self._task is None or self._task.done()):
            self._task = self.loop.create_task(self._write_queue(), name=f"prints of {self._step}")

    async def _write_queue(self) -> None:
        async with self._writing:
            while self._queue:
                printed = [self._queue.popleft() for _ in range(len(self._queue))]  # threads may append meanwhile
                dropped, self._dropped = self._dropped, 0
                self._has_room.set()
                try:
                    for (stream, level), lines in groupby(printed, key=lambda entry: entry[:2]):
                        await self._output.write(self._step, stream, [text for *_, text in lines], level=level)
                    if dropped:
                        note = f"dropped {dropped} printed lines: the coroutine printed too much without awaiting"
                        await self._output.write(self._step, Stream.SOLORUN, [note], level=Level.WARNING)
                except Exception:
                    _logger.exception("lost printed lines of step %s", self._step)


class _RedirectedStream:
    """Standard output or error of the process, except for what coroutine steps write to it."""

    def __init__(self, original: Any, stream: Stream) -> None:
        self.original = original
        self._stream = stream

    def write(self, text: str) -> int:
        output = _find_output()
        if output is None:
            return int(self.original.write(text))
        output.print(self._stream, str(text))
        return len(text)

    def writelines(self, lines: Sequence[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.original, name)


class _RunLogHandler(logging.Handler):
    """Copies messages of coroutine steps to their run's log. The service's own messages stay out of it."""

    def createLock(self) -> None:  # noqa: N802 - the name is that of logging.Handler
        self.lock = None  # a thread that waits for the run's log must not stop the others

    def emit(self, record: logging.LogRecord) -> None:
        output = _find_output()
        if output is None or record.name.partition(".")[0] == "solorun":
            return
        try:
            output.log(_level_of(record.levelno), self.format(record))
        except Exception:  # noqa: BLE001 - like other handlers: the arguments may not match the message
            self.handleError(record)


_handler: Final = _RunLogHandler()
_redirected: Final = set[PrintedOutput]()


@contextmanager
def redirected_to(output: PrintedOutput) -> Iterator[None]:
    """Within this block, what this task and its descendants print and log goes to `output`.

    The process's output is redirected while one of these blocks lasts.
    """
    _redirected.add(output)
    for name, stream in (("stdout", Stream.STDOUT), ("stderr", Stream.STDERR)):
        if not isinstance(getattr(sys, name), _RedirectedStream):
            setattr(sys, name, _RedirectedStream(getattr(sys, name), stream))
    logging.getLogger().addHandler(_handler)
    token = _current.set(output)
    try:
        yield
    finally:
        _current.reset(token)
        _redirected.remove(output)
        if not _redirected:
            for name in ("stdout", "stderr"):
                if isinstance(replaced := getattr(sys, name), _RedirectedStream):
                    setattr(sys, name, replaced.original)
            logging.getLogger().removeHandler(_handler)


def _find_output() -> PrintedOutput | None:
    output = _current.get()
    return output if output is not None and output.is_open else None


def _leave_service() -> None:
    """In a fork of the service: leave the log and the event loop to the service."""
    output = _current.get()
    if output is not None:
        _current.set(None)
        # A fork exits by itself, unless it returns to the loop, where it would answer requests as a second service.
        output.loop.call_soon(os._exit, 1)


os.register_at_fork(after_in_child=_leave_service)


def _level_of(number: int) -> Level:
    if number >= logging.ERROR:
        return Level.ERROR
    if number >= logging.WARNING:
        return Level.WARNING
    return Level.INFO if number >= logging.INFO else Level.DEBUG
