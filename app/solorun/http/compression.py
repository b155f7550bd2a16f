"""Compresses large JSON responses. Streams, downloads and small responses are left as they are."""

import re
from typing import Final

from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp

from solorun.http.request import Request
from solorun.http.responses import JSON, Response

MIN_COMPRESSED_BYTES: Final = 2048
_LEVEL: Final = 4
"""Higher ones take much longer for a few percent. From 128 KiB on, Starlette compresses in a thread."""
_ACCEPTS_GZIP: Final = re.compile(rb"(?:^|[,\s])gzip(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))")


def compress(response: ASGIApp, request: Request) -> ASGIApp:
    """The response to send: compressed if that is worthwhile and the client accepts gzip."""
    if (
        request.method == "GET"
        and isinstance(response, Response)
        and len(response.body) >= MIN_COMPRESSED_BYTES
        and (b"content-type", JSON) in response.headers
        and _ACCEPTS_GZIP.search(request.headers.get(b"accept-encoding", b""))
    ):
        return GZipMiddleware(response, compresslevel=_LEVEL)
    return response
