"""The one table of routes. The hot ones stand first: a request is compared with them in this order."""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from solorun.api import artifacts, events, health, login, logs, openapi, problems, projects, runs
from solorun.api.context import Context
from solorun.api.decode import decode_query
from solorun.api.operation import Operation, Reply
from solorun.api.request import Request
from solorun.errors import (
    ArtifactNotFound,
    InvalidCursor,
    InvalidLastEventId,
    NotFound,
    ProjectNotFound,
    RunActive,
    RunNotActive,
    RunNotFound,
    ServiceDraining,
    StoreUnavailable,
)
from solorun.record import LogPage
from solorun.run import Run
from solorun.wire import ArtifactList, CancelRequest, ProjectList, ProjectSummary, RunPage, StartRequest

V1: Final = "/api/v1"
_EVENT_STREAM: Final = "text/event-stream"


class LoginForm(msgspec.Struct):
    """What the login page sends."""

    token: str
    next: str = "/"


class NoQuery(msgspec.Struct, forbid_unknown_fields=True):
    """No parameters."""


OPERATIONS: Final = (
    Operation(
        "GET",
        f"{V1}/runs/{{run_id}}",
        "getRun",
        "A run",
        runs.get_run,
        (Reply(200, "The run", shape=Run),),
        (RunNotFound,),
    ),
    Operation(
        "POST",
        f"{V1}/projects/{{project}}/runs",
        "startRun",
        "Start a run, unless the project has an active one",
        runs.start_run,
        (Reply(201, "The run, pending; `Location` is its address", shape=Run),),
        (ProjectNotFound, RunActive, ServiceDraining, StoreUnavailable),
        body=StartRequest,
    ),
    Operation(
        "GET",
        f"{V1}/projects/{{project}}/runs",
        "listProjectRuns",
        "Runs of a project, newest first",
        runs.list_project_runs,
        (Reply(200, "A page; `Link` names the next one", shape=RunPage),),
        (ProjectNotFound, InvalidCursor),
        query=runs.RunsQuery,
    ),
    Operation(
        "GET",
        f"{V1}/projects/{{project}}/runs/current",
        "getCurrentRun",
        "The active run of a project, else its latest",
        runs.get_current_run,
        (Reply(200, "The run", shape=Run),),
        (ProjectNotFound, RunNotFound),
    ),
    Operation(
        "POST",
        f"{V1}/runs/{{run_id}}/cancel",
        "cancelRun",
        "Tell a run to stop",
        runs.cancel_run,
        (
            Reply(200, "It was cancelled before", shape=Run),
            Reply(202, "It was told; it is active until its work has stopped", shape=Run),
        ),
        (RunNotFound, RunNotActive, StoreUnavailable),
        body=CancelRequest,
    ),
    Operation(
        "GET",
        f"{V1}/runs/{{run_id}}/events",
        "followRun",
        "A run's log from any point, live, and its end",
        events.follow_run,
        (Reply(200, "Server-sent events", _EVENT_STREAM),),
        (RunNotFound, InvalidLastEventId),
        query=events.EventsQuery,
        headers=(("Last-Event-ID", "Begin after this seq; beats the parameters."),),
    ),
    Operation(
        "GET",
        f"{V1}/events",
        "followAllRuns",
        "All active runs, their changes, and the logs of some",
        events.follow_all,
        (Reply(200, "Server-sent events", _EVENT_STREAM),),
        (RunNotFound,),
        query=events.FollowQuery,
    ),
    Operation(
        "GET",
        f"{V1}/runs/{{run_id}}/log",
        "getLogPage",
        "A page of a run's log",
        logs.get_log_page,
        (Reply(200, "The page", shape=LogPage),),
        (RunNotFound,),
        query=logs.LogPageQuery,
    ),
    Operation(
        "GET",
        f"{V1}/runs/{{run_id}}/log.ndjson",
        "downloadLogAsNdjson",
        "A run's log up to now, a record a line",
        logs.download_ndjson,
        (Reply(200, "The records", "application/x-ndjson"),),
        (RunNotFound,),
    ),
    Operation(
        "GET",
        f"{V1}/runs/{{run_id}}/log.txt",
        "downloadLogAsText",
        "A run's log up to now, as text",
        logs.download_text,
        (Reply(200, "The text", "text/plain; charset=utf-8"),),
        (RunNotFound,),
    ),
    Operation(
        "GET",
        f"{V1}/runs/{{run_id}}/artifacts",
        "listArtifacts",
        "The files that a run left",
        artifacts.get_artifacts,
        (Reply(200, "The artifacts", shape=ArtifactList),),
        (RunNotFound,),
    ),
    Operation(
        "GET",
        f"{V1}/runs/{{run_id}}/artifacts/{{name:path}}",
        "downloadArtifact",
        "A file that a run left",
        artifacts.download_artifact,
        (Reply(200, "The file", "*/*"),),
        (RunNotFound, ArtifactNotFound),
    ),
    Operation(
        "GET",
        f"{V1}/runs",
        "listRuns",
        "Runs of all projects, newest first",
        runs.list_runs,
        (Reply(200, "A page; `Link` names the next one", shape=RunPage),),
        (InvalidCursor,),
        query=runs.RunsQuery,
    ),
    Operation(
        "GET",
        f"{V1}/projects",
        "listProjects",
        "The declared projects and families",
        projects.list_projects,
        (Reply(200, "The projects", shape=ProjectList),),
        tag="projects",
    ),
    Operation(
        "GET",
        f"{V1}/projects/{{project}}",
        "getProject",
        "A project",
        projects.get_project,
        (Reply(200, "The project", shape=ProjectSummary),),
        (ProjectNotFound,),
        tag="projects",
    ),
    Operation(
        "GET",
        "/livez",
        "livez",
        "Whether the loop turns",
        health.livez,
        (Reply(200, "It does"),),
        public=True,
        tag="service",
    ),
    Operation(
        "GET",
        "/readyz",
        "readyz",
        "Whether runs can be started, and why not",
        health.readyz,
        (Reply(200, "They can"),),
        (ServiceDraining,),
        public=True,
        tag="service",
    ),
    Operation(
        "GET",
        "/metrics",
        "metrics",
        "What the service does",
        health.metrics,
        (Reply(200, "OpenMetrics", "application/openmetrics-text"),),
        tag="service",
    ),
    Operation(
        "GET",
        "/openapi.json",
        "openapi",
        "This document",
        openapi.show_document,
        (Reply(200, "OpenAPI 3.1"),),
        tag="service",
    ),
    Operation(
        "GET",
        "/problems/{slug}",
        "explainProblem",
        "What a problem's type means",
        problems.explain_problem,
        (Reply(200, "A page", "text/plain; charset=utf-8"),),
        (NotFound,),
        tag="service",
    ),
    Operation(
        "GET",
        "/login",
        "showLogin",
        "The login page",
        login.show_login,
        (Reply(200, "A form", "text/html; charset=utf-8"), Reply(303, "No token is needed", "text/plain")),
        query=login.LoginQuery,
        public=True,
        tag="session",
    ),
    Operation(
        "POST",
        "/login",
        "logIn",
        "Change the token for a session",
        login.log_in,
        (Reply(303, "The session's cookie, and where to go", "text/plain"),),
        form=LoginForm,
        public=True,
        tag="session",
    ),
    Operation(
        "GET",
        "/login.css",
        "showLoginStyle",
        "How the login page looks",
        login.show_style,
        (Reply(200, "A style sheet", "text/css; charset=utf-8"),),
        public=True,
        tag="session",
    ),
    Operation(
        "POST",
        "/logout",
        "logOut",
        "End the session",
        login.log_out,
        (Reply(303, "The login page is next", "text/plain"),),
        tag="session",
    ),
)


def public_addresses(operations: Iterable[Operation] = OPERATIONS) -> frozenset[tuple[str, str]]:
    """The exact (method, path) pairs that need no token."""
    return frozenset(
        (method, operation.path)
        for operation in operations
        if operation.public
        for method in ((operation.method, "HEAD") if operation.method == "GET" else (operation.method,))
    )


def build_routes(context: Context, operations: Iterable[Operation] = OPERATIONS) -> list[Route]:
    """One route a path, whatever its methods: so that a refused method is told all that are allowed."""
    by_path: dict[str, dict[str, Operation]] = {}
    for operation in operations:
        by_path.setdefault(operation.path, {})[operation.method] = operation
    return [Route(path, Endpoint(context, methods)) for path, methods in by_path.items()]


class Endpoint:
    """One path: checks what the table says of the request, and calls the handler."""

    def __init__(self, context: Context, operations: Mapping[str, Operation]) -> None:
        self._context = context
        self._operations = dict(operations)
        if "GET" in self._operations:
            self._operations["HEAD"] = self._operations["GET"]
        self._allow = ", ".join(sorted(self._operations))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        operation = self._operations.get(scope["method"])
        if operation is None:
            raise HTTPException(405, headers={"Allow": self._allow})
        scope["solorun.operation"] = operation.id
        query = decode_query(scope["query_string"], operation.query or NoQuery)
        request = Request(self._context, scope, receive, scope["solorun.headers"], query)
        answer = await operation.handler(request)
        await answer(scope, receive, send)
