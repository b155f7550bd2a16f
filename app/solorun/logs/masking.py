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
        if self._pattern is None or self._pattern.search(text) is None:
            return text
        pieces: list[str] = []
        end = 0
        for match in self._pattern.finditer(text):
            start, stop = match.span(1)
            if start > end or not pieces:
                pieces += (text[end:start], MASK)
            end = max(end, stop)
        return "".join(pieces) + text[end:]

    def hold_back(self, text: str) -> int:
        """The length of the longest end of `text` with which a secret, but not a whole one, may begin."""
        longest = max(map(len, self._forms), default=1)
        for length in range(min(longest - 1, len(text)), 0, -1):
            end = text[-length:]
            if any(len(form) > length and form.startswith(end) for form in self._forms):
                return length
        return 0


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
