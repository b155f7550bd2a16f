"""Holds back lines of wrapped base64 in which a secret may have begun, until the next line has arrived.

One or two bytes are too few to be masked: without the next line, they may be the beginning of anything.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from solorun.record import Level, Stream

HOLD_SECONDS: Final = 0.5
"""As long as an unfinished line is held back."""


@dataclass(frozen=True, slots=True)
class _Held:
    stream: Stream
    level: Level
    lines: Sequence[str]
    timer: asyncio.TimerHandle


class HeldLines:
    """The lines of one run, by their steps. `append(step, stream, level, lines)` logs what is held no longer."""

    def __init__(self, append: Callable[[str, Stream, Level, Sequence[str]], None]) -> None:
        self._append = append
        self._held: dict[str, _Held] = {}

    def hold(self, step: str, stream: Stream, level: Level, lines: Sequence[str]) -> None:
        self.release(step)
        timer = asyncio.get_running_loop().call_later(HOLD_SECONDS, self.release, step)
        self._held[step] = _Held(stream, level, lines, timer)

    def take(self, step: str, stream: Stream, level: Level) -> Sequence[str]:
        """The lines that the next ones continue. Other lines of the step are released: their order must not change."""
        held = self._held.get(step)
        if held is not None and (held.stream, held.level) == (stream, level):
            del self._held[step]
            held.timer.cancel()
            return held.lines
        self.release(step)
        return ()

    def release(self, step: str | None) -> None:
        """Log the lines of a step, or of all steps."""
        for name in (*self._held,) if step is None else (step,):
            if (held := self._held.pop(name, None)) is not None:
                held.timer.cancel()
                self._append(name, held.stream, held.level, held.lines)
