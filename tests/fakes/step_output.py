"""A step output that keeps its records in memory, masks secrets, and waits while a test closes its gate."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from solorun.logs.masking import Masker
from solorun.record import Level, Stream


@dataclass(frozen=True, slots=True)
class LoggedLine:
    """One record."""

    stream: Stream
    text: str
    level: Level = Level.INFO
    partial: bool = False


class RecordedOutput:
    """A StepOutput in memory."""

    def __init__(self, secrets: Sequence[str] = ()) -> None:
        self.masker = Masker(secrets)
        self.records: list[LoggedLine] = []
        self.progresses: list[tuple[int, int | None, str]] = []
        self.groups: list[tuple[str, bool]] = []
        self.open_gate = asyncio.Event()
        self.open_gate.set()
        self.error: Exception | None = None

    async def write(
        self, step: str, stream: Stream, lines: Sequence[str], *, level: Level = Level.INFO, partial: bool = False
    ) -> None:
        await self.open_gate.wait()
        if self.error is not None:
            raise self.error
        assert lines
        last = len(lines) - 1
        self.records += [
            LoggedLine(stream, self.masker.mask(line), level, partial and index == last)
            for index, line in enumerate(lines)
        ]

    async def progress(self, step: str, current: int, total: int | None, item: str = "") -> None:
        self.progresses.append((current, total, item))

    async def group(self, step: str, name: str, *, open: bool) -> None:
        self.groups.append((name, open))

    def add_mask(self, value: str) -> None:
        self.masker.add(value)

    def mask(self, text: str) -> str:
        return self.masker.mask(text)

    def pending_secret_length(self, text: str) -> int:
        return self.masker.pending_secret_length(text)

    def texts(self, stream: Stream = Stream.STDOUT) -> list[str]:
        """The texts of a stream's records."""
        return [record.text for record in self.records if record.stream is stream]

    def joined(self, stream: Stream = Stream.STDOUT) -> list[str]:
        """The lines of a stream, with partial records joined."""
        records = [record for record in self.records if record.stream is stream]
        starts = [0, *(index for index, (one, _) in enumerate(pairwise(records), 1) if not one.partial), len(records)]
        return ["".join(record.text for record in records[begin:end]) for begin, end in pairwise(starts) if begin < end]

    def warnings(self) -> list[str]:
        """The warnings that Solorun itself logged."""
        return [
            record.text for record in self.records if record.stream is Stream.SOLORUN and record.level is Level.WARNING
        ]
