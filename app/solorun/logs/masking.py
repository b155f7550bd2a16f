"""Removes secrets from text before it is stored: exact values only, in the forms in which they usually leak.

A channel masks each message. Code that splits a line calls `pending_secret_length` first, so that no secret is cut in
two. Nothing is compiled, because a step may declare thousands of secrets, one between any two lines.
"""

import base64
import json
from bisect import bisect_left, insort
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote

from solorun.project import MIN_SECRET_CHARACTERS

MASK: Final = "***"
_FEW: Final = 64
"""Up to this many forms, searching for each in turn is faster than using the index."""


class Masker:
    """The secrets of one run. Secrets can be added during the run, and are never removed."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms: list[str] = []
        """The forms to find, sorted, so that forms with the same beginning are adjacent."""
        self._index: dict[str, dict[int, set[str]]] = {}
        """The same forms by their first characters and their length: many tokens begin alike."""
        self._longest = 1
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str) -> None:
        """Mask this value from now on: the whole value, each of its lines, and their base64, URL and JSON forms."""
        for form in {form for line in [secret, *secret.splitlines()] for form in _forms_of(line.strip())}:
            # A record never contains a line end, so a form with one could never match.
            if len(form) < MIN_SECRET_CHARACTERS or len(form.splitlines()) > 1:
                continue
            lengths = self._index.setdefault(form[:MIN_SECRET_CHARACTERS], {})
            alike = lengths.setdefault(len(form), set())
            if form not in alike:
                alike.add(form)
                insort(self._forms, form)
                self._longest = max(self._longest, len(form))

    def mask(self, text: str) -> str:
        """`text` with every secret replaced by `***`."""
        spans = self._find(text)
        if not spans:
            return text
        pieces: list[str] = []
        end = 0
        for start, stop in spans:
            pieces += (text[end:start], MASK)
            end = stop
        return "".join(pieces) + text[end:]

    def pending_secret_length(self, text: str) -> int:
        """How many characters at the end of `text` must be held back, because an incomplete secret may begin there."""
        for cut in range(max(0, len(text) - self._longest + 1), len(text)):
            end = text[cut:]
            # The forms that begin with `end` are adjacent; the first of them may be `end` itself.
            place = bisect_left(self._forms, end)
            place += place < len(self._forms) and self._forms[place] == end
            if place < len(self._forms) and self._forms[place].startswith(end):
                return self._avoid_cutting(text, cut)
        return 0

    def _avoid_cutting(self, text: str, cut: int) -> int:
        """If `cut` lies inside a complete secret, hold that back too. An endless chain is released, masked."""
        for start, stop in self._find(text):
            if start < cut < stop:
                return len(text) - (start if stop - start <= 4 * self._longest else stop)
        return len(text) - cut

    def _find(self, text: str) -> list[tuple[int, int]]:
        """The spans of secrets in `text`, in order, with overlapping ones merged."""
        places = self._find_few(text) if len(self._forms) <= _FEW else self._find_many(text)
        spans: list[tuple[int, int]] = []
        for start, stop in sorted(places):
            if spans and start < spans[-1][1]:
                spans[-1] = spans[-1][0], max(stop, spans[-1][1])
            else:
                spans.append((start, stop))
        return spans

    def _find_few(self, text: str) -> list[tuple[int, int]]:
        places = []
        for form in self._forms:
            start = text.find(form)
            while start >= 0:
                places.append((start, start + len(form)))
                # Search from the next character: a form that overlaps itself must not leave its tail.
                start = text.find(form, start + 1)
        return places

    def _find_many(self, text: str) -> list[tuple[int, int]]:
        """The same in a time that hardly grows with the number of secrets."""
        places = []
        for start in range(len(text) - MIN_SECRET_CHARACTERS + 1):
            lengths = self._index.get(text[start : start + MIN_SECRET_CHARACTERS])
            if lengths is not None:
                for length, forms in lengths.items():
                    if text[start : start + length] in forms:
                        places.append((start, start + length))
        return places


def _forms_of(value: str) -> set[str]:
    raw = value.encode("utf-8", "replace")
    return {
        value,
        base64.b64encode(raw).decode().rstrip("="),
        base64.urlsafe_b64encode(raw).decode().rstrip("="),
        quote(value, safe="", errors="replace"),
        quote(value, errors="replace"),
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
    }
