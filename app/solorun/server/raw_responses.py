"""Canned responses to malformed requests, which never reach the application."""

from http import HTTPStatus
from typing import Final

from solorun.api.application import DEFAULT_HEADERS
from solorun.api.problems import PROBLEM_JSON, TYPE_PREFIX
from solorun.errors import InvalidRequest, PayloadTooLarge, Problem
from solorun.wire.encoding import encode
from solorun.wire.problems import ProblemDetails


def _encode(problem: Problem, status: HTTPStatus) -> bytes:
    """A complete response. The status is more specific than that of the problem's slug."""
    body = encode(
        ProblemDetails(
            type=TYPE_PREFIX + problem.slug, title=status.phrase, status=status.value, detail=problem.message
        )
    )
    headers = [
        (b"content-type", PROBLEM_JSON),
        (b"content-length", b"%d" % len(body)),
        (b"connection", b"close"),
        *DEFAULT_HEADERS,
    ]
    lines = [b"HTTP/1.1 %d %b" % (status.value, status.phrase.encode()), *(b"%b: %b" % header for header in headers)]
    return b"\r\n".join([*lines, b"", body])


BAD_REQUEST: Final = _encode(InvalidRequest("This is not a valid HTTP request."), HTTPStatus.BAD_REQUEST)
HEAD_TOO_LARGE: Final = _encode(
    PayloadTooLarge("The request headers exceed 32 KiB."), HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
)
