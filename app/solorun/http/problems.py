"""Renders problems as responses (RFC 9457)."""

import math
from collections.abc import Mapping
from typing import Any, Final

from solorun.errors import InvalidRequest, MethodNotAllowed, Problem
from solorun.http.responses import Header, Response
from solorun.wire import ProblemDetails, ProblemFieldError, encode

PROBLEM_JSON: Final = b"application/problem+json"
TYPE_PREFIX: Final = "/problems/"
UNTYPED: Final = "about:blank"
"""The `type` of a problem that says no more than its HTTP status."""


def render_problem(problem: Problem, *, instance: str, members: Mapping[str, Any]) -> Response:
    """The response for a problem at the address `instance`. `members` are the extension members of its kind."""
    faults = problem.errors if isinstance(problem, InvalidRequest) else ()
    details = ProblemDetails(
        type=TYPE_PREFIX + problem.slug,
        title=problem.title,
        status=problem.status.value,
        detail=problem.message,
        instance=instance,
        errors=tuple(ProblemFieldError(fault.pointer, fault.message) for fault in faults),
        **members,
    )
    return Response(encode(details), status=details.status, media_type=PROBLEM_JSON, headers=_headers_of(problem))


def _headers_of(problem: Problem) -> list[Header]:
    headers: list[Header] = []
    if problem.retry_after_seconds is not None:
        headers.append((b"retry-after", b"%d" % max(1, math.ceil(problem.retry_after_seconds))))
    if problem.slug == "unauthorized":
        headers.append((b"www-authenticate", b'Bearer realm="Solorun"'))
    if problem.slug == "too-large":
        # Otherwise the rest of the body would have to be read and discarded before the next request.
        headers.append((b"connection", b"close"))
    if isinstance(problem, MethodNotAllowed):
        headers.append((b"allow", ", ".join(problem.allowed).encode("ascii")))
    return headers
