"""Standard output and error of the service: writing to them never blocks.

A reader can stop reading: a pipe fills, a terminal is paused with Ctrl-S. A blocked write would then stop the event
loop and with it the service. Therefore a thread does the writing. It takes the text from a queue with a limit, and what
exceeds the limit is dropped and counted.
"""

import io
import os
import select
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

MAX_QUEUED_BYTES: Final = 1024 * 1024
DRAIN_SECONDS: Final = 1.0
"""How long the process waits at its end until the queue has been written."""

FormatDroppedLines = Callable[[int], str]
"""Makes the line that stands for this number of dropped lines."""


class QueuedOutput(io.RawIOBase):
    """A binary stream to a descriptor. `write` returns immediately; `drain` waits.

    `logging.handlers.QueueListener` would serve only the log. It also waits without limit when it stops, and its
    handlers hold locks that the interpreter takes when it exits.
    """

    def __init__(
        self,
        descriptor: int,
        *,
        max_bytes: int = MAX_QUEUED_BYTES,
        format_dropped_lines: FormatDroppedLines,
    ) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._format_dropped_lines = format_dropped_lines
        self._max_bytes = max_bytes
        self._changed = threading.Condition()
        self._queue: deque[bytes] = deque()
        """The first piece stays here until it is written."""
        self._queued_bytes = 0
        self._dropped_lines = 0
        self._pid = os.getpid()
        # A daemon: the interpreter would wait forever for one that is blocked.
        threading.Thread(target=self._write_queue, name="queued-output", daemon=True).start()

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def write(self, data: "ReadableBuffer", /) -> int:
        piece = bytes(data)
        if os.getpid() != self._pid:
            # A process that a step forked has no thread to write for it.
            self._write(piece)
        elif piece:
            with self._changed:
                self._append(piece)
        return len(piece)

    def drain(self, seconds: float = DRAIN_SECONDS) -> bool:
        """Wait until the queue has been written, but no longer than `seconds`. Returns whether it has."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._queue, seconds)

    def _append(self, piece: bytes) -> None:
        if self._queued_bytes + len(piece) > self._max_bytes:
            self._dropped_lines += piece.count(b"\n") or 1
            return
        self._append_note()
        self._queue.append(piece)
        self._queued_bytes += len(piece)
        self._changed.notify_all()

    def _append_note(self) -> None:
        """Say how many lines are missing at this place."""
        if self._dropped_lines:
            note = f"{self._format_dropped_lines(self._dropped_lines)}\n".encode()
            self._dropped_lines = 0
            self._queue.append(note)
            self._queued_bytes += len(note)

    def _write_queue(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._queue)
                piece = self._queue[0]
            self._write(piece)
            with self._changed:
                self._queue.popleft()
                self._queued_bytes -= len(piece)
                if not self._queue:
                    self._append_note()
                self._changed.notify_all()

    def _write(self, piece: bytes) -> None:
        view = memoryview(piece)
        while view:
            try:
                view = view[os.write(self._descriptor, view) :]
            except BlockingIOError:
                # Another process made the shared pipe or terminal non-blocking.
                select.select([], [self._descriptor], [])
            except OSError:
                # The reader is gone, or the disk is full. A later line may fare better.
                return


@contextmanager
def queued_standard_streams(format_dropped_lines: FormatDroppedLines) -> Iterator[None]:
    """Within this block, `sys.stdout` and `sys.stderr` never block. At its end, waits briefly for what is queued."""
    before = sys.stdout, sys.stderr
    sys.stdout.flush()
    sys.stderr.flush()
    outputs = [
        QueuedOutput(stream.fileno(), format_dropped_lines=format_dropped_lines) for stream in (sys.stdout, sys.stderr)
    ]
    sys.stdout, sys.stderr = (
        io.TextIOWrapper(
            output,  # type: ignore[type-var] # it buffers as much as TextIOWrapper needs
            encoding=replaced.encoding,
            errors="backslashreplace",
            line_buffering=True,
        )
        for output, replaced in zip(outputs, before, strict=True)
    )
    try:
        yield
    finally:
        drain_standard_streams()
        sys.stdout, sys.stderr = before


def drain_standard_streams() -> None:
    """Write what is queued, if that takes no longer than DRAIN_SECONDS a stream. Call it before an immediate exit."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and isinstance(stream.buffer, QueuedOutput):
            stream.flush()
            stream.buffer.drain()
