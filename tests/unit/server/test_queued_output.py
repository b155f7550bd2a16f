"""Output that never blocks, and drops output that is not read."""

import asyncio
import fcntl
import io
import os
from collections.abc import Iterator

import pytest

from solorun.server.queued_output import QueuedOutput

PIPE_BYTES = 4096
LINE = b"x" * 99 + b"\n"
DROPPED = "({} lines were dropped)".format


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    yield reader, writer
    os.close(reader)


@pytest.fixture
def full_pipe(pipe: tuple[int, int]) -> tuple[int, int]:
    """A pipe with room for nothing more."""
    os.write(pipe[1], b"f" * PIPE_BYTES)
    return pipe


def test_output_that_is_read_arrives_whole_and_in_order(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    output = QueuedOutput(writer, format_dropped_lines=DROPPED)

    for number in range(10):
        output.write(b"%d\n" % number)

    assert output.drain(60)
    assert os.read(reader, PIPE_BYTES) == b"".join(b"%d\n" % number for number in range(10))


def test_writing_to_a_full_pipe_returns_and_drops_beyond_the_limit(full_pipe: tuple[int, int]) -> None:
    reader, writer = full_pipe
    output = QueuedOutput(writer, max_bytes=10 * len(LINE), format_dropped_lines=DROPPED)

    written = [output.write(LINE) for _ in range(10_000)]

    assert written == [len(LINE)] * 10_000
    assert not output.drain(0.01)
    assert _drain_both(reader, output).count(LINE) == 10


async def test_the_number_of_dropped_lines_is_written_once_the_reader_is_back(full_pipe: tuple[int, int]) -> None:
    reader, writer = full_pipe
    output = QueuedOutput(writer, max_bytes=10 * len(LINE), format_dropped_lines=DROPPED)
    for _ in range(1000):
        output.write(LINE)

    received = await asyncio.to_thread(_drain_both, reader, output)

    note = b"(990 lines were dropped)\n"
    assert received == b"f" * PIPE_BYTES + 10 * LINE + note


def test_a_closed_reader_does_not_end_the_output() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    output = QueuedOutput(writer, format_dropped_lines=DROPPED)

    output.write(b"lost\n")

    assert output.drain(60)
    output.write(b"lost as well\n")
    assert output.drain(60)


def test_text_of_any_encoding_and_size_passes(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    output = QueuedOutput(writer, format_dropped_lines=DROPPED)
    text = io.TextIOWrapper(output, encoding="ascii", errors="backslashreplace", line_buffering=True)  # type: ignore[type-var]

    print("größer", file=text)

    assert output.drain(60)
    assert os.read(reader, PIPE_BYTES) == b"gr\\xf6\\xdfer\n"


def _drain_both(reader: int, output: QueuedOutput) -> bytes:
    """Read until the output's queue is empty, and return what was read."""
    received = b""
    while not output.drain(0.01):
        received += os.read(reader, PIPE_BYTES)
    os.set_blocking(reader, False)
    try:
        while data := os.read(reader, PIPE_BYTES):
            received += data
    except BlockingIOError:
        pass
    return received
