"""What is answered to a request that is none: ready-made bytes, since no application sees it."""

from http import HTTPStatus
from typing import Final

from solorun.api.application import DEFAULT_HEADERS
from solorun.errors import InvalidRequest, PayloadTooLarge, Problem
from solorun.http.problems import PROBLEM_JSON, TYPE_PREFIX
from solorun.wire import ProblemDetails, encode


def _refusal(problem: Problem, status: HTTPStatus) -> bytes:
    """A whole response. Its status is that of the protocol's fault, not the slug's usual one."""
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


BAD_REQUEST: Final = _refusal(InvalidRequest("This is not an HTTP request."), HTTPStatus.BAD_REQUEST)
HEAD_TOO_LARGE: Final = _refusal(
    PayloadTooLarge("A request's headers may have 32 KiB."), HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
)
