"""Prepares an HTML page for isolation. It contains the files that it refers to, because it cannot request any, and a
script that stands in for what it lacks.
"""

import re
from base64 import b64encode
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from posixpath import dirname, join, normpath
from typing import Final
from urllib.parse import unquote, urlsplit

from solorun.artifacts.scan import media_type_of
from solorun.artifacts.store import ArtifactChunks

_TAG: Final = re.compile(rb"<(?:link|script|img)\s[^<>]{0,2000}>", re.IGNORECASE)
_REFERENCE: Final = re.compile(rb"\s(?:href|src)=(\"[^\"<>]*\"|'[^'<>]*'|[^\s\"'<>]+)", re.IGNORECASE)
_REST_OF_TAG: Final = rb"(?:[^>\"']++|\"[^\"]*+\"|'[^']*+')*+>\s*+"
_HEAD: Final = re.compile(
    rb"(?:\xef\xbb\xbf)?+\s*+(?:<!--(?:-?>|.*?--!?>)\s*+)*+(?:<!doctype[^>]*+>\s*+)?+"
    rb"(?:<html%(rest)b)?+(?:<head%(rest)b)?+(?:<meta\s%(rest)b)*+" % {b"rest": _REST_OF_TAG},
    re.IGNORECASE | re.DOTALL,
)
"""The part of a page that has to be at its beginning: the type and the encoding."""
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
_SCRIPT: Final = b"<script>%s</script>" % Path(__file__).with_name("page_script.js").read_bytes()
MAX_REFERENCES: Final = 1_000
MAX_EMBEDDED_BYTES: Final = 20_000_000
"""A page gets no more than this. What is beyond stays a reference, which leads nowhere."""


@dataclass(frozen=True, slots=True)
class Reference:
    """The bytes from `start` to `end` of a page, an attribute's value, refer to the artifact `name`."""

    start: int
    end: int
    name: str
    media_type: str


def find_references(page: bytes, name: str) -> Iterator[Reference]:
    """The references of the page `name` to styles, scripts and pictures that may be artifacts of its run, in order."""
    for tag in _TAG.finditer(page):
        found = _REFERENCE.search(page, tag.start(), tag.end())
        if found is None:
            continue
        target = _resolve(unescape(found[1].strip(b"\"'").decode("utf-8", "replace")), name)
        media_type = _media_type_of(tag[0].lower(), target or "")
        if target is not None and media_type is not None:
            yield Reference(found.start(1), found.end(1), target, media_type)


def embed(page: bytes, references: Iterable[Reference], files: Mapping[str, bytes]) -> bytes:
    """The page with these files in it."""
    parts: list[bytes] = []
    at, left = 0, MAX_EMBEDDED_BYTES
    for reference in references:
        if (file := files.get(reference.name)) is not None and len(file) <= left:
            address = b"data:%s;base64,%s" % (reference.media_type.encode(), b64encode(file))
            parts += [page[at : reference.start], b'"%s"' % address]
            at, left = reference.end, left - len(file)
    return b"".join([*parts, page[at:]])


def add_script(page: bytes) -> bytes:
    """The page, or the beginning of it, with the script that runs before the page's own scripts."""
    if page.startswith(_UTF_16):
        return page
    head = _HEAD.match(page)
    at = head.end() if head else 0
    return b"".join([page[:at], _SCRIPT, page[at:]])


class ScriptedPage:
    """The chunks of a page, with the script in the first one."""

    def __init__(self, chunks: ArtifactChunks) -> None:
        self._chunks = chunks

    async def __aiter__(self) -> AsyncIterator[bytes]:
        is_first = True
        async for chunk in self._chunks:
            yield add_script(chunk) if is_first else chunk
            is_first = False

    async def aclose(self) -> None:
        await self._chunks.aclose()


def _media_type_of(tag: bytes, target: str) -> str | None:
    """What the page takes the target for; None for a link that is no part of the page."""
    if tag.startswith(b"<script"):
        return "text/javascript"
    if tag.startswith(b"<img") or b"icon" in tag:
        return media_type_of(target)
    return "text/css" if b"stylesheet" in tag else None


def _resolve(address: str, name: str) -> str | None:
    """The artifact that the page `name` means by an address; None for an address of something else."""
    try:
        url = urlsplit(address)
    except ValueError:
        return None
    if url.scheme or url.netloc or not url.path or url.path.startswith("/"):
        return None
    target = normpath(join(dirname(name), unquote(url.path)))
    return None if target.startswith("..") else target
