"""Lines from a child's pipe: how fast they are read, against `cat`, and how fast they become durable.

The child generates its lines, as programs do. A reader that discards all bytes is measured for comparison.
"""

import asyncio
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from solorun.record import Level, Stream
from solorun.step import StepContext
from solorun.steps.pipe_reader import CHUNK_BYTES, PipeReader
from solorun.steps.telling_line import TellingLine
from solorun.steps.workflow_commands import WorkflowCommandInterpreter
from tests.benchmarks.measuring import Goal, Result, Scale, compare
from tests.benchmarks.records import insert_segments, work_seconds
from tests.benchmarks.samples import make_lines, write_lines
from tests.benchmarks.serving import command_project, ours


class CountingOutput:
    """A StepOutput that only counts."""

    def __init__(self) -> None:
        self.lines = 0

    async def write(
        self, step: str, stream: Stream, lines: Sequence[str], *, level: Level = Level.INFO, partial: bool = False
    ) -> None:
        self.lines += len(lines)

    async def progress(self, step: str, current: int, total: int | None, item: str = "") -> None: ...

    async def group(self, step: str, name: str, *, open: bool) -> None: ...

    def add_mask(self, value: str) -> None: ...

    def mask(self, text: str) -> str:
        return text

    def pending_secret_length(self, text: str) -> int:
        return 0


async def child_lines(scale: Scale) -> list[Result]:
    number = scale.lines(1_000_000)
    with tempfile.TemporaryDirectory(prefix="solorun-benchmark-") as directory:
        path = write_lines(Path(directory) / "lines.txt", number)
        # The child generates one line after another, about as fast as programs print.
        generating = ("awk", f'BEGIN {{ for (i = 0; i < {number}; i++) print "{make_lines(1)[0][:80]}", i }}')
        copying = ("cat", str(path))

        async def read_lines(command: Sequence[str]) -> float:
            return number / await _read_lines(command, number)

        async def cat() -> float:
            return number / await _cat(generating)

        async def readline() -> float:
            return number / await _readline(generating, number)

        async def discard() -> float:
            return number / await _discard(copying, path.stat().st_size)

        unit, goal = "lines/s", Goal(at_least=0.5)
        return [
            await compare(
                "lines from a child, against cat", unit, goal, lambda: read_lines(generating), cat, scale=scale
            ),
            await compare("lines from a child by asyncio's readline", unit, None, readline, cat, scale=scale),
            await compare(
                "a file from cat, against discarding it", unit, None, lambda: read_lines(copying), discard, scale=scale
            ),
            await _through_everything(path.parent, scale),
        ]


async def _through_everything(directory: Path, scale: Scale) -> Result:
    """A command's lines until they are durable, against as many raw inserts."""
    number = scale.lines(200_000)
    path = write_lines(directory / "fewer.txt", number)
    async with ours(command_project("cat", f"cat {path}")) as service:

        async def run() -> float:
            run = await service.ended(await service.start("cat"))
            assert run["last_seq"] == number + 2
            return number / work_seconds(run)

        async def insert() -> float:
            return number / await asyncio.to_thread(insert_segments, directory / "raw.db", number)

        return await compare("lines from a child, durable", "lines/s", None, run, insert, scale=scale)


async def _read_lines(command: Sequence[str], number: int) -> float:
    """The seconds that our reader takes to split a child's output into lines."""
    output = CountingOutput()
    context = StepContext("cat", 1, "full", "work", {}, Path(), Path(), output)
    began = time.perf_counter()
    process, fd = await _start(command)
    interpreter = WorkflowCommandInterpreter(context.name, output)
    await PipeReader(fd, Stream.STDOUT, context, interpreter, TellingLine(), detects_levels=True).run()
    await process.wait()
    assert output.lines == number
    return time.perf_counter() - began


async def _cat(command: Sequence[str]) -> float:
    """The seconds that `cat` takes to copy a child's output to /dev/null."""
    began = time.perf_counter()
    process, fd = await _start(command)
    cat = await asyncio.create_subprocess_exec("cat", stdin=fd, stdout=asyncio.subprocess.DEVNULL)
    os.close(fd)
    await process.wait()
    await cat.wait()
    return time.perf_counter() - began


async def _readline(command: Sequence[str], number: int) -> float:
    """The seconds that asyncio's own reader takes to split the output into lines."""
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    lines = 0
    while await process.stdout.readline():
        lines += 1
    await process.wait()
    assert lines == number
    return time.perf_counter() - began


async def _discard(command: Sequence[str], size: int) -> float:
    """The seconds that a reader takes to read and discard a child's output, in chunks of the same size."""
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    process, fd = await _start(command)
    os.set_blocking(fd, False)
    received = 0
    while True:
        try:
            chunk = os.read(fd, CHUNK_BYTES)
        except BlockingIOError:
            readable = loop.create_future()
            loop.add_reader(fd, readable.set_result, None)
            await readable
            loop.remove_reader(fd)
            continue
        if not chunk:
            break
        received += len(chunk)
    os.close(fd)
    await process.wait()
    assert received == size
    return time.perf_counter() - began


async def _start(command: Sequence[str]) -> tuple[asyncio.subprocess.Process, int]:
    reading, writing = os.pipe()
    process = await asyncio.create_subprocess_exec(*command, stdout=writing)
    os.close(writing)
    return process, reading
