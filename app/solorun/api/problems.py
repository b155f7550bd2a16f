"""The HTTP status of each problem, and what a problem says about a run."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

from solorun.api.state import State
from solorun.errors import NotFound, Problem, RunActive, RunNotActive
from solorun.http.problems import ProblemKind, render_problem
from solorun.http.request import Request
from solorun.http.responses import TEXT, Response
from solorun.wire import RunLinks

_STATUSES: Final = {
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
    "repeated-header": HTTPStatus.BAD_REQUEST,
    "cross-origin": HTTPStatus.FORBIDDEN,
    "unsupported-media-type": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "too-large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "too-many-projects": HTTPStatus.CONFLICT,
    "too-many-streams": HTTPStatus.SERVICE_UNAVAILABLE,
    "draining": HTTPStatus.SERVICE_UNAVAILABLE,
    "store-unavailable": HTTPStatus.SERVICE_UNAVAILABLE,
    "internal": HTTPStatus.INTERNAL_SERVER_ERROR,
}

PROBLEMS: Final[Mapping[str, ProblemKind]] = {
    error.slug: ProblemKind(_STATUSES[error.slug], error.slug.replace("-", " ").capitalize(), error)
    for error in Problem.__subclasses__()
}
"""Every problem by slug."""


def problem_response(problem: Problem, *, path: str, root_path: str = "") -> Response:
    """The response for a problem with a request for `path`, which is decoded and relative to `root_path`."""
    return render_problem(
        problem,
        PROBLEMS[problem.slug],
        instance=root_path + quote(path),
        members=_members_of(problem, root_path),
    )


async def get_problem_type(_state: State, request: Request) -> Response:
    """The page that a problem's `type` refers to."""
    kind = PROBLEMS.get(request.path_params["slug"])
    if kind is None:
        raise NotFound
    text = f"{kind.title} ({kind.status.value} {kind.status.phrase})\n\n{kind.error.__doc__}\n"
    return Response(text.encode(), media_type=TEXT)


def _members_of(problem: Problem, root_path: str) -> Mapping[str, Any]:
    """The extension members (RFC 9457, 3.2) of problems with a run."""
    match problem:
        case RunActive():
            address = f"{root_path}/api/v1/runs/{problem.active_run.id}"
            links = RunLinks(self=address, events=f"{address}/events", cancel=f"{address}/cancel")
            return {"active_run": problem.active_run, "links": links}
        case RunNotActive():
            return {"run": problem.run}
        case _:
            return {}
