"""The encodings in which a secret appears in logs. Each form is matched exactly."""

import base64
import html
import json
import shlex
from collections.abc import Callable, Iterator
from typing import Final
from urllib.parse import quote, quote_plus

from solorun.project import MIN_SECRET_CHARACTERS

_WRAPS: Final = (76, 64)
"""The line lengths of `base64` and of PEM files."""
_URI_COMPONENT: Final = "!~*'()"
"""What JavaScript's encodeURIComponent leaves as it is."""
_URI: Final = _URI_COMPONENT + ";,/?:@&=+$#"
"""What JavaScript's encodeURI leaves as it is."""


def find_forms(secret: str) -> set[str]:
    """Every form of the secret and of each of its lines that is long enough to be masked."""
    values = {line.strip() for line in (secret, *secret.splitlines())}
    return {
        form
        for value in values
        for form in _encode(value)
        # A record never contains a line end, so a form with one could never match.
        if len(form) >= MIN_SECRET_CHARACTERS and len(form.splitlines()) == 1
    }


def _encode(value: str) -> Iterator[str]:
    raw = value.encode("utf-8", "replace")
    yield value
    yield from _base64(raw, base64.b64encode)
    yield from _base64(raw, base64.urlsafe_b64encode)
    for quoted in (
        quote(value, safe="", errors="replace"),
        quote(value, errors="replace"),
        quote(value, safe=_URI_COMPONENT, errors="replace"),
        quote(value, safe=_URI, errors="replace"),
        quote_plus(value, errors="replace"),
    ):
        yield quoted
        yield _lower_codes(quoted)
    for escaped in (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]):
        yield escaped
        yield json.dumps(escaped)[1:-1]
        yield json.dumps(escaped, ensure_ascii=False)[1:-1]
    entities = html.escape(value)
    yield html.escape(value, quote=False)
    yield entities
    yield entities.replace("&#x27;", "&#39;")
    yield entities.replace("&#x27;", "&apos;")
    yield entities.replace("&#x27;", "&#39;").replace("&quot;", "&#34;")
    yield shlex.quote(value).strip("'")
    yield value.replace("'", "'\\''")
    yield "".join("\\" + character if character in '"\\$`' else character for character in value)
    yield "".join(
        character if character.isalnum() or character in "_-./:=@%+," else "\\" + character for character in value
    )
    yield repr(value)[1:-1]
    yield ascii(value)[1:-1]
    yield raw.hex()
    yield raw.hex().upper()


def _base64(raw: bytes, encode: Callable[[bytes], bytes]) -> Iterator[str]:
    whole = encode(raw).decode()
    yield whole.rstrip("=")
    for width in _WRAPS:
        yield from (whole[start : start + width].rstrip("=") for start in range(0, len(whole), width))
    for offset in range(3):
        # Inside a longer text, the first and the last characters depend on the bytes next to the secret.
        first = (0, 2, 3)[offset]
        last = (offset + len(raw)) * 8 // 6
        yield encode(bytes(offset) + raw).decode()[first:last]


def _lower_codes(quoted: str) -> str:
    head, *codes = quoted.split("%")
    return head + "".join("%" + code[:2].lower() + code[2:] for code in codes)
