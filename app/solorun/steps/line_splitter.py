"""Splits a command's output into records: whole lines, and pieces of lines that are too long or unfinished.

No I/O and no clock: the pipe reader feeds it, and flushes it when a line stays unfinished for too long. Joining the
`partial` pieces gives exactly the input (decoded, with CR LF as LF, masked).
"""

import codecs
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from ahocorasick_rs import BytesAhoCorasick

from solorun.record import MAX_MESSAGE_BYTES, cut_message
from solorun.steps.workflow_commands import ADD_MASK

_SURELY_SHORT: Final = MAX_MESSAGE_BYTES // 4  # characters: none is longer than four bytes
_WINDOW_BYTES: Final = MAX_MESSAGE_BYTES // 2
"""A line that does not fit into one record covers such a part of its chunk, or continues what is pending."""
_COMMAND_MARK: Final = "::"
# One pattern each: these search bytes ten times faster than `in` searches a text.
_find_command: Final = BytesAhoCorasick([b"\n::"]).find_matches_as_indexes
_find_mask: Final = BytesAhoCorasick([ADD_MASK.encode()]).find_matches_as_indexes
_OMITTED: Final = "(omitted an ::add-mask:: line of more than 16 KiB; its value is not masked)"


@dataclass(frozen=True, slots=True)
class LineBatch:
    """Lines in order. `partial`: the last one continues in the next batch, whose first one then `continues` it.

    `may_be_command` is False if none of them can be a workflow command.
    """

    texts: list[str]
    partial: bool = False
    continues: bool = False
    may_be_command: bool = False

    @property
    def whole(self) -> range:
        """The indexes of the complete lines."""
        return range(int(self.continues), len(self.texts) - int(self.partial))


class LineSplitter:
    """Turns chunks of bytes into batches of lines.

    `mask` and `pending_secret_length` are those of a StepOutput. Process each batch before requesting the next: a mask
    that one line adds applies to the next line. An unfinished line that may become a workflow command is held back,
    because it may be an `::add-mask::`.
    """

    def __init__(self, *, mask: Callable[[str], str], pending_secret_length: Callable[[str], int]) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._mask = mask
        self._pending_secret_length = pending_secret_length
        self._pending = ""
        self._begun = False  # the beginning of the pending line has been yielded
        self._is_blank = False  # that beginning is only whitespace
        self._omitting = False

    @property
    def unfinished(self) -> bool:
        return bool(self._pending)

    def is_slow(self, chunk: bytes = b"") -> bool:
        """Whether a long line has to be searched for secrets after this chunk."""
        windows = range(0, len(chunk) - _WINDOW_BYTES, _WINDOW_BYTES)
        return len(self._pending) > MAX_MESSAGE_BYTES or any(
            chunk.find(b"\n", start, start + _WINDOW_BYTES) < 0 for start in windows
        )

    def feed(self, chunk: bytes) -> Iterator[LineBatch]:
        """Yield the lines that `chunk` completes, and the beginning of an unfinished long line."""
        text = self._pending + self._decoder.decode(chunk)
        if "\r" in text:  # searching for one character is 20 times faster than for two
            text = text.replace("\r\n", "\n")
        if self._omitting:
            _, line_feed, text = text.partition("\n")
            self._omitting = not line_feed
        if self._begun and self._is_blank and text.lstrip().startswith(ADD_MASK):
            yield LineBatch([""], continues=True)  # the end of the whitespace before it
            self._begun, text = False, text.lstrip()
        encoded = text.encode()
        may_be_command = text.startswith(_COMMAND_MARK) or bool(_find_command(encoded) or _find_mask(encoded))
        texts = text.split("\n")
        self._pending = texts.pop()
        if texts:
            begun, self._begun = self._begun, False
            if max(map(len, texts)) <= _SURELY_SHORT:
                yield LineBatch(texts, continues=begun, may_be_command=may_be_command)
            else:
                yield from self._cut_long(texts, continues=begun, may_be_command=may_be_command)
        if len(self._pending) > _SURELY_SHORT and _is_long(self._pending):
            yield from self._yield_beginning()

    def flush(self) -> Iterator[LineBatch]:
        """Yield the unfinished line, except for an end that may belong to a secret."""
        if self._may_become_command():
            return
        ready, kept = self._split_safely(self._pending)
        if ready.endswith("\r"):  # may be followed by LF
            ready, kept = ready[:-1], "\r" + kept
        self._pending = kept
        if ready:
            yield from self._pieces(cut_message(ready))

    def finish(self) -> Iterator[LineBatch]:
        """Yield the last line, if it has no line end. Call this at the end of the input."""
        text = self._pending + self._decoder.decode(b"", final=True)
        self._pending = ""
        if text and not self._omitting:
            begun, self._begun = self._begun, False
            yield from self._cut_long([text], continues=begun, may_be_command=True)

    def _cut_long(self, texts: list[str], *, continues: bool, may_be_command: bool) -> Iterator[LineBatch]:
        waiting: list[str] = []
        for text in texts:
            if not _is_long(text):
                waiting.append(text)
            elif text.lstrip().startswith(ADD_MASK) and not (continues and not waiting):
                waiting.append(_OMITTED)
            else:
                if waiting:
                    yield LineBatch(waiting, continues=continues, may_be_command=may_be_command)
                    continues, waiting = False, []
                *pieces, last = cut_message(self._mask(text))
                for piece in pieces:
                    yield LineBatch([piece], partial=True, continues=continues)
                    continues = True
                waiting = [last]
        yield LineBatch(waiting, continues=continues, may_be_command=may_be_command)

    def _yield_beginning(self) -> Iterator[LineBatch]:
        """Yield the unfinished line except for its last piece, so that a following line end makes no empty record."""
        if not self._begun and self._pending.lstrip().startswith(ADD_MASK):
            self._pending, self._omitting = "", True
            yield LineBatch([_OMITTED])
            return
        ready, kept = self._split_safely(self._pending)
        *pieces, last = cut_message(ready)
        self._pending = last + kept
        yield from self._pieces(pieces)

    def _pieces(self, pieces: Iterable[str]) -> Iterator[LineBatch]:
        for piece in pieces:
            begun, self._begun = self._begun, True
            self._is_blank = piece.isspace() and (self._is_blank or not begun)
            yield LineBatch([piece], partial=True, continues=begun)

    def _may_become_command(self) -> bool:
        return (self._is_blank or not self._begun) and self._pending.lstrip()[:2] in ("", ":", _COMMAND_MARK)

    def _split_safely(self, text: str) -> tuple[str, str]:
        """Split `text` into a part that is safe to yield, masked, and an end that may be the beginning of a secret."""
        at = len(text) - self._pending_secret_length(text)
        return self._mask(text[:at]), text[at:]


def _is_long(text: str) -> bool:
    return len(text) > _SURELY_SHORT and len(text.encode()) > MAX_MESSAGE_BYTES
