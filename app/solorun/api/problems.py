"""The responses for problems, and what a problem says about a run."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from solorun.api.state import State
from solorun.errors import PROBLEMS, NotFound, Problem, RunActive, RunNotActive
from solorun.http.problems import render_problem
from solorun.http.request import Request
from solorun.http.responses import TEXT, Response
from solorun.wire import RunLinks


def problem_response(problem: Problem, *, path: str, root_path: str = "") -> Response:
    """The response for a problem with a request for `path`, which is decoded and relative to `root_path`."""
    return render_problem(
        problem,
        instance=root_path + quote(path),
        members=_members_of(problem, root_path),
    )


async def get_problem_type(_state: State, request: Request) -> Response:
    """The page that a problem's `type` refers to."""
    problem = PROBLEMS.get(request.path_params["slug"])
    if problem is None:
        raise NotFound
    text = f"{problem.title} ({problem.status.value} {problem.status.phrase})\n\n{problem.__doc__}\n"
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
