"""Problems as answers (RFC 9457): the HTTP status of each slug, and what a problem tells besides its message."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType
from typing import Final

from starlette.exceptions import HTTPException

from solorun.errors import (
    InternalError,
    InvalidRequest,
    MethodNotAllowed,
    NotFound,
    PayloadTooLarge,
    Problem,
    RunActive,
    RunNotActive,
    UnsupportedMediaType,
)
from solorun.http.request import Request
from solorun.http.responses import TEXT, Header, Response
from solorun.run import Run
from solorun.wire import ProblemDetails, ProblemFieldError, RunLinks, encode

PROBLEM_JSON: Final = b"application/problem+json"
TYPE_PREFIX: Final = "/problems/"
NOT_READY_TYPE: Final = "about:blank"
"""The type of the one problem that is no more than its HTTP status: `/readyz` when the service is not ready."""


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """What all problems of a slug have in common."""

    status: HTTPStatus
    title: str
    error: type[Problem]


def _kinds() -> Mapping[str, ProblemKind]:
    statuses = {
        "invalid-request": HTTPStatus.UNPROCESSABLE_ENTITY,
        "invalid-cursor": HTTPStatus.BAD_REQUEST,
        "invalid-last-event-id": HTTPStatus.BAD_REQUEST,
        "not-found": HTTPStatus.NOT_FOUND,
        "project-not-found": HTTPStatus.NOT_FOUND,
        "run-not-found": HTTPStatus.NOT_FOUND,
        "artifact-not-found": HTTPStatus.NOT_FOUND,
        "method-not-allowed": HTTPStatus.METHOD_NOT_ALLOWED,
        "run-active": HTTPStatus.CONFLICT,
        "run-not-active": HTTPStatus.CONFLICT,
        "unauthorized": HTTPStatus.UNAUTHORIZED,
        "token-required": HTTPStatus.FORBIDDEN,
        "host-not-allowed": HTTPStatus.FORBIDDEN,
        "cross-origin": HTTPStatus.FORBIDDEN,
        "unsupported-media-type": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        "too-large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "draining": HTTPStatus.SERVICE_UNAVAILABLE,
        "store-unavailable": HTTPStatus.SERVICE_UNAVAILABLE,
        "internal": HTTPStatus.INTERNAL_SERVER_ERROR,
    }
    errors = {error.slug: error for error in Problem.__subclasses__()}
    return MappingProxyType(
        {
            slug: ProblemKind(status, slug.replace("-", " ").capitalize(), errors[slug])
            for slug, status in statuses.items()
        }
    )


PROBLEMS: Final = _kinds()
"""Every slug, with its HTTP status and its title."""


def run_links(run: Run, root_path: str) -> RunLinks:
    """The addresses of a run, below the service's public path."""
    address = f"{root_path}/api/v1/runs/{run.id}"
    return RunLinks(self=address, events=f"{address}/events", cancel=f"{address}/cancel")


def problem_response(
    problem: Problem, *, path: str, root_path: str = "", headers: tuple[Header, ...] = (), status: int = 0
) -> Response:
    """The problem as an answer to a request for `path`. `status` overrules that of its slug."""
    kind = PROBLEMS[problem.slug]
    details = ProblemDetails(
        type=TYPE_PREFIX + problem.slug,
        title=kind.title,
        status=status or kind.status.value,
        detail=problem.message,
        instance=root_path + path,
        errors=_faults(problem),
        active_run=problem.active_run if isinstance(problem, RunActive) else None,
        links=run_links(problem.active_run, root_path) if isinstance(problem, RunActive) else None,
        run=problem.run if isinstance(problem, RunNotActive) else None,
    )
    return Response(
        encode(details),
        status=details.status,
        media_type=PROBLEM_JSON,
        headers=[*_headers_of(problem), *headers],
    )


def problem_of(error: HTTPException) -> Problem:
    """What the framework refused, in our words."""
    kinds: dict[int, type[Problem]] = {
        404: NotFound,
        405: MethodNotAllowed,
        413: PayloadTooLarge,
        415: UnsupportedMediaType,
    }
    return kinds.get(error.status_code, InternalError)()


async def get_problem_type(request: Request) -> Response:
    """The page behind a problem's `type`."""
    kind = PROBLEMS.get(request.path["slug"])
    if kind is None:
        raise NotFound
    text = f"{kind.title} ({kind.status.value} {kind.status.phrase})\n\n{kind.error.__doc__}\n"
    return Response(text.encode(), media_type=TEXT)


def _faults(problem: Problem) -> tuple[ProblemFieldError, ...]:
    if not isinstance(problem, InvalidRequest):
        return ()
    return tuple(ProblemFieldError(pointer=fault.pointer, message=fault.message) for fault in problem.errors)


def _headers_of(problem: Problem) -> list[Header]:
    headers: list[Header] = []
    if problem.retry_after_seconds is not None:
        headers.append((b"retry-after", b"%d" % max(1, math.ceil(problem.retry_after_seconds))))
    if problem.slug == "unauthorized":
        headers.append((b"www-authenticate", b'Bearer realm="Solorun"'))
    if problem.slug == "too-large":
        # What is left of the body would have to be read and thrown away before the next request.
        headers.append((b"connection", b"close"))
    return headers
