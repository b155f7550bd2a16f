"""The routes that concern the service itself: its health, its documents, and its sessions."""

from typing import Final

from solorun.api import health, login, openapi, problems
from solorun.api.problems import PROBLEM_JSON
from solorun.api.state import State
from solorun.errors import NotFound
from solorun.http.operation import Operation, ResponseSpec
from solorun.right import Right
from solorun.wire import ProblemDetails

_TEXT: Final = "text/plain; charset=utf-8"

SERVICE_OPERATIONS: Final[tuple[Operation[State], ...]] = (
    Operation(
        "GET /livez",
        health.livez,
        summary="Liveness probe",
        responses=(ResponseSpec(200, "The service is running"),),
        public=True,
        tag="service",
    ),
    Operation(
        "GET /readyz",
        health.readyz,
        summary="Readiness probe, with the reasons if the service is not ready",
        responses=(
            ResponseSpec(200, "The service can start runs"),
            ResponseSpec(
                503,
                "The reasons, as a problem of type `about:blank`",
                PROBLEM_JSON.decode(),
                model=ProblemDetails,
            ),
        ),
        public=True,
        tag="service",
    ),
    Operation(
        "GET /metrics",
        health.metrics,
        summary="Metrics in the OpenMetrics format",
        responses=(ResponseSpec(200, "The metrics", "application/openmetrics-text"),),
        right=Right.ADMIN,
        tag="service",
    ),
    Operation(
        "GET /openapi.json",
        openapi.show_document,
        id="openapi",
        summary="This OpenAPI document",
        responses=(ResponseSpec(200, "The document"),),
        tag="service",
    ),
    Operation(
        "GET /problems/{slug}",
        problems.get_problem_type,
        summary="Describe a problem type",
        responses=(ResponseSpec(200, "The description", _TEXT),),
        problems=(NotFound,),
        tag="service",
    ),
    Operation(
        "GET /login",
        login.show_login,
        summary="Show the login page",
        responses=(
            ResponseSpec(200, "The page", "text/html; charset=utf-8"),
            ResponseSpec(303, "Redirects to `next` if the service has no token", _TEXT),
        ),
        query=login.LoginQuery,
        public=True,
        tag="session",
    ),
    Operation(
        "POST /login",
        login.log_in,
        summary="Log in with a token",
        responses=(ResponseSpec(303, "Sets the session cookie and redirects to `next`", _TEXT),),
        form=login.LoginForm,
        public=True,
        tag="session",
    ),
    Operation(
        "GET /login.css",
        login.show_login_style,
        summary="Get the style sheet of the login page",
        responses=(ResponseSpec(200, "The style sheet", "text/css; charset=utf-8"),),
        public=True,
        tag="session",
    ),
    Operation(
        "POST /logout",
        login.log_out,
        summary="End the session",
        responses=(ResponseSpec(303, "Redirects to the login page", _TEXT),),
        right=Right.VIEW,
        tag="session",
    ),
)
