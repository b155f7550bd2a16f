"""The responses for problems (RFC 9457), and what a problem says about a run."""

import math
from collections.abc import Mapping
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

from solorun.api.route import route
from solorun.api.state import State
from solorun.errors import (
    PROBLEMS,
    InvalidRequest,
    MethodNotAllowed,
    NotFound,
    Problem,
    ResourceBusy,
    RunActive,
    RunNotActive,
    RunNotEnded,
)
from solorun.http.operation import ResponseSpec
from solorun.http.request import Request
from solorun.http.responses import TEXT, Header, Response
from solorun.queueing import Choices
from solorun.run import Run
from solorun.wire.encoding import encode
from solorun.wire.problems import ProblemDetails, ProblemFieldError, RunLinks

_quote = lru_cache(maxsize=1024)(quote)

_refusals: Final[dict[str, tuple[Run, Choices | None, str, bytes]]] = {}
"""The body of the last refused start of each address, with what it was made of."""
_MAX_REFUSALS: Final = 1000

PROBLEM_JSON: Final = b"application/problem+json"
TYPE_PREFIX: Final = "/problems/"
UNTYPED: Final = "about:blank"
"""The `type` of a problem that says no more than its HTTP status."""


def problem_response(problem: Problem, *, path: str, root_path: str = "") -> Response:
    """The response for a problem with a request for `path`, which is decoded and relative to `root_path`."""
    instance = root_path + _quote(path)
    if isinstance(problem, RunActive):
        body = _encode_refusal(problem, instance, root_path)
    else:
        body = _encode(problem, instance, root_path)
    return Response(body, status=int(problem.status), media_type=PROBLEM_JSON, headers=_headers_of(problem))


@route(
    "GET /problems/{slug}",
    summary="Describe a problem type",
    responses=(ResponseSpec(200, "The description", TEXT.decode()),),
    problems=(NotFound,),
    tag="service",
)
async def get_problem_type(_state: State, request: Request) -> Response:
    """The page that a problem's `type` refers to."""
    problem = PROBLEMS.get(request.path_params["slug"])
    if problem is None:
        raise NotFound
    text = f"{problem.title} ({problem.status.value} {problem.status.phrase})\n\n{problem.__doc__}\n"
    return Response(text.encode(), media_type=TEXT)


def _encode(problem: Problem, instance: str, root_path: str) -> bytes:
    faults = problem.errors if isinstance(problem, InvalidRequest) else ()
    details = ProblemDetails(
        type=TYPE_PREFIX + problem.slug,
        title=problem.title,
        status=problem.status.value,
        detail=problem.message,
        instance=instance,
        errors=tuple(ProblemFieldError(fault.pointer, fault.message) for fault in faults),
        **_members_of(problem, root_path),
    )
    return encode(details)


def _encode_refusal(problem: RunActive, instance: str, root_path: str) -> bytes:
    """The same for a refused start: of thousands in a second, most have the body of the one before."""
    run, choices, message = problem.active_run, problem.choices, problem.message
    known = _refusals.get(instance)
    if known is not None and known[0] is run and known[1] is choices and known[2] == message:
        return known[3]
    if len(_refusals) >= _MAX_REFUSALS:
        _refusals.clear()
    body = _encode(problem, instance, root_path)
    _refusals[instance] = run, choices, message, body
    return body


def _members_of(problem: Problem, root_path: str) -> Mapping[str, Any]:
    """The extension members (RFC 9457, 3.2) of problems with runs."""
    match problem:
        case RunActive():
            address = f"{root_path}/api/v1/runs/{problem.active_run.id}"
            links = RunLinks(self=address, events=f"{address}/events", cancel=f"{address}/cancel")
            return {"active_run": problem.active_run, "links": links, "choices": problem.choices}
        case ResourceBusy():
            return {"holders": problem.holders, "choices": problem.choices}
        case RunNotActive() | RunNotEnded():
            return {"run": problem.run}
        case _:
            return {}


def _headers_of(problem: Problem) -> list[Header]:
    headers: list[Header] = []
    if problem.retry_after_seconds is not None:
        headers.append((b"retry-after", b"%d" % max(1, math.ceil(problem.retry_after_seconds))))
    if problem.status == HTTPStatus.UNAUTHORIZED:
        headers.append((b"www-authenticate", b'Bearer realm="Solorun"'))
    if problem.slug == "too-large":
        # Otherwise the rest of the body would have to be read and discarded before the next request.
        headers.append((b"connection", b"close"))
    if isinstance(problem, MethodNotAllowed):
        headers.append((b"allow", ", ".join(problem.allowed).encode("ascii")))
    return headers
