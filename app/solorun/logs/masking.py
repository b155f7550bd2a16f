"""Removes secrets from text before it is stored: declared values, in the forms in which they usually leak.

A channel masks each message. Code that splits a line calls `pending_secret_length` first, so that no secret is cut in
two.
"""

import asyncio
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import reduce
from typing import Final, TypeVar

from solorun.logs.secret_forms import find_forms
from solorun.logs.secret_index import SecretIndex
from solorun.logs.wrapped_base64 import WrappedBase64
from solorun.project import MIN_SECRET_CHARACTERS
from solorun.record import MAX_MESSAGE_BYTES

MASK: Final = "***"
MAX_FORMS: Final = 50_000
MAX_SECRET_CHARACTERS: Final = MAX_MESSAGE_BYTES
LIMITS_TEXT: Final = (
    f"a run masks values of up to {MAX_SECRET_CHARACTERS:,} characters, and {MAX_FORMS:,} encodings of all of them"
)

_MAX_CHARACTERS_ON_LOOP: Final = 4 * 1024
"""With some secrets that a step may declare, masking more takes many milliseconds."""
_SGR: Final = re.compile(r"\x1b\[[0-9;:]*m|\x1b\[K")
"""Colours, and what `grep --color` writes after them. Both are invisible, and may interrupt a secret."""

_SEQUENCE: Final = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*(?:[@-~]|\Z)|[\]PX^_][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c|\Z)|[ -/]*[0-OQ-WYZ`-~]|\Z)"
    r"|[\r\b\0]"
)
"""Any escape sequence, or its beginning at the end of a text; one that contains text may itself contain a secret.
Or a character that programs write between the parts of a line: the log keeps what is on both sides of it."""
_BETWEEN: Final = ("\r", "\b", "\0")
Result = TypeVar("Result")


async def run_in_thread_if_long(length: int, work: Callable[..., Result], *arguments: object) -> Result:
    """Do work on a text of this length, in a thread if the text is too long for the event loop."""
    if length > _MAX_CHARACTERS_ON_LOOP:
        return await asyncio.to_thread(work, *arguments)
    return work(*arguments)


class Masker:
    """The secrets of one run. Secrets can be added during the run, and are never removed."""

    def __init__(self, secrets: Iterable[str] = (), *, max_forms: int = MAX_FORMS) -> None:
        self._max_forms = max_forms
        # Masking may run in a thread while the event loop adds a secret.
        self._lock = threading.Lock()
        self._index = SecretIndex(MIN_SECRET_CHARACTERS)
        self._wrapped = WrappedBase64()
        self.refused_count = 0
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str) -> bool:
        """Mask this value from now on, each of its lines, and their encodings.

        Returns False, and changes nothing, if the value exceeds a limit: 16,384 characters for each value, and 50,000
        forms for all of them together.
        """
        forms = find_forms(secret) if len(secret) <= MAX_SECRET_CHARACTERS else None
        with self._lock:
            if forms is None or self._index.count + len(forms) > self._max_forms:
                self.refused_count += 1
                return False
            for form in forms:
                self._index.add(form)
            self._wrapped.add(secret.strip())
        return True

    @property
    def has_secrets(self) -> bool:
        return self._index.count > 0

    def mask_lines(self, lines: Sequence[str]) -> list[str]:
        """Mask each line. Most contain no secret, and checking them all together takes a tenth of the time."""
        text = "\n".join(lines)
        if len(lines) < 2 or text.count("\n") >= len(lines):  # a line with a line feed in it
            return [self.mask(line) for line in lines]
        visible = _SGR.sub("", text) if "\x1b" in text else text
        shown = visible.split("\n")
        suspicious = {index for index, line in enumerate(shown) if "\x1b" in line} if "\x1b" in visible else set()
        views = {visible, reduce(lambda view, character: view.replace(character, ""), _BETWEEN, visible)}
        # A line of wrapped base64 contains no space.
        has_no_space = [" " not in line.strip() for line in shown]
        with self._lock:
            candidates = {view: self._index.find_candidates(view) for view in views}
            cut = self._wrapped.find_cut_spans(lines) if any(has_no_space) else {}
        for view, offsets in candidates.items():
            suspicious.update(_find_line_numbers(view, offsets))
        return [
            self.mask(line, cut.get(index, ())) if has_no_space[index] or index in suspicious else line
            for index, line in enumerate(lines)
        ]

    def count_open_lines(self, lines: Sequence[str]) -> int:
        """How many lines at the end are wrapped base64 and hold the beginning of a secret that may continue."""
        with self._lock:
            return self._wrapped.count_open_lines(lines)

    def mask(self, text: str, known: Iterable[tuple[int, int]] = ()) -> str:
        """`text` with `***` in place of every secret, and of the `known` spans, which encode parts of secrets."""
        if not self._index.count:
            return text
        spans = list(known)
        with self._lock:
            for visible, offsets in _find_views(text):
                found = [*self._index.find_spans(visible), *self._wrapped.find_spans(visible)]
                spans += [(offsets[start], offsets[stop - 1] + 1) for start, stop in found] if offsets else found
        spans.sort()
        pieces: list[str] = []
        end = 0
        for start, stop in spans:
            if start >= end:
                pieces += (text[end:start], MASK)
            end = max(end, stop)
        return "".join(pieces) + text[end:]

    def pending_secret_length(self, text: str) -> int:
        """How many characters at the end of `text` must be held back, because an incomplete secret may begin there."""
        if not self._index.count:
            return 0
        with self._lock:
            return max(len(text) - self._find_incomplete(*view, len(text)) for view in _find_views(text))

    def _find_incomplete(self, visible: str, offsets: list[int], length: int) -> int:
        """Where in the text an incomplete secret may begin; if there is none, the `length` of the text."""
        cut = self._index.find_incomplete(visible)
        if cut is None:
            return length
        for start, stop in self._index.find_spans(visible):
            if start < cut < stop:
                # Hold that secret back too. An endless chain of secrets is released, masked.
                cut = start if stop - start <= 4 * self._index.longest else stop
        if not offsets:
            return cut
        return offsets[cut] if cut < len(offsets) else length


def _find_line_numbers(text: str, offsets: Iterable[int]) -> Iterator[int]:
    """The number of the line, from 0, that each of the ascending offsets is in."""
    line_number = previous = 0
    for offset in offsets:
        line_number += text.count("\n", previous, offset)
        previous = offset
        yield line_number


def _find_views(text: str) -> Iterator[tuple[str, list[int]]]:
    """`text` without colours, and, if that differs, without everything that may interrupt a secret; see `_strip`."""
    without_colours = _strip(_SGR, text) if "\x1b" in text else (text, [])
    yield without_colours
    if any(character in without_colours[0] for character in ("\x1b", *_BETWEEN)):
        yield _strip(_SEQUENCE, text)


def _strip(sequence: re.Pattern[str], text: str) -> tuple[str, list[int]]:
    """The rest of `text`, and the offset of each of its characters in `text`."""
    visible: list[str] = []
    offsets: list[int] = []
    end = 0
    for match in sequence.finditer(text):
        visible.append(text[end : match.start()])
        offsets += range(end, match.start())
        end = match.end()
    visible.append(text[end:])
    offsets += range(end, len(text))
    return "".join(visible), offsets
