"""Takes secrets out of text before anything is stored. Exact values only, in the forms in which they usually leak.

A channel masks each message with it; whoever cuts a line asks `hold_back` first, so that no secret is cut in two.
"""

import base64
import json
import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote

MASK: Final = "***"
MIN_SECRET_CHARACTERS: Final = 5
"""A shorter value would mask half the log and hide nothing."""


class Masker:
    """The secrets of one run. They can be added while it works, and never removed."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str) -> None:
        """Mask this value from now on, each of its lines, and their base64, URL and JSON forms."""
        forms = {form for line in [secret, *secret.splitlines()] for form in _forms_of(line.strip())}
        # A record never holds a line end, so neither can what is looked for in it.
        new = {form for form in forms if len(form) >= MIN_SECRET_CHARACTERS and len(form.splitlines()) == 1}
        if new <= self._forms:
            return
        self._forms |= new
        longest_first = sorted(self._forms, key=lambda form: (-len(form), form))
        # The lookahead finds overlapping secrets too: the tail of one must not survive because another began first.
        self._pattern = re.compile("(?=(" + "|".join(map(re.escape, longest_first)) + "))")

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

    def hold_back(self, text: str) -> int:
        """How much of the end of `text` must not be let go yet: a secret may begin there that is not whole."""
        longest = max(map(len, self._forms), default=1)
        for length in range(min(longest - 1, len(text)), 0, -1):
            end = text[-length:]
            if any(len(form) > length and form.startswith(end) for form in self._forms):
                return self._avoid_cutting(text, len(text) - length, longest)
        return 0

    def _avoid_cutting(self, text: str, cut: int, longest: int) -> int:
        """Where `cut` lies inside a whole secret, hold that one back too; an endless chain is let go, masked."""
        for start, stop in self._find(text):
            if start < cut < stop:
                return len(text) - (start if stop - start <= 4 * longest else stop)
        return len(text) - cut

    def _find(self, text: str) -> list[tuple[int, int]]:
        """Where secrets stand in `text`; those that overlap are one."""
        if self._pattern is None or self._pattern.search(text) is None:
            return []
        spans: list[tuple[int, int]] = []
        for match in self._pattern.finditer(text):
            start, stop = match.span(1)
            if spans and start < spans[-1][1]:
                spans[-1] = spans[-1][0], max(stop, spans[-1][1])
            else:
                spans.append((start, stop))
        return spans


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
