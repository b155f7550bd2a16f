"""A Starlette application with a lifespan and a middleware that authenticates. It adds a project for each customer."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.authentication import AuthCredentials, AuthenticationBackend, BaseUser, SimpleUser
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

from solorun import Function, FunctionContext, Project, Solorun

USERS = {"token-of-ann": "ann", "token-of-acme": "acme"}


class Tokens(AuthenticationBackend):
    async def authenticate(self, conn: HTTPConnection) -> tuple[AuthCredentials, BaseUser] | None:
        name = USERS.get(conn.headers.get("x-token", ""))
        return (AuthCredentials(), SimpleUser(name)) if name else None


def user_of(request: Request) -> str:
    return str(request.user.display_name)


def may(request: Request, right: str, project: str | None) -> bool:
    """Ann may do everything. A customer may view and start one project, and open the dashboard (no project)."""
    user = user_of(request)
    return user == "ann" or (user != "" and project in (user, None) and right in ("view", "start"))


def bill(step: FunctionContext) -> None:
    """A plain function: it runs in a thread, and a cancel ends its sleep."""
    for number in range(1, 4):
        step.progress(number, 3)
        step.sleep(0.01)
    print(f"billed {step.project}")


solo = Solorun("runs", authorize=may, identify=user_of, shutdown_limit="20s")


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    async with solo.lifespan(app):  # next to what your application opens and closes
        yield


async def add_customer(request: Request) -> JSONResponse:
    name = request.path_params["name"]
    if name not in solo.projects:
        solo.projects.add(Project(name, [Function("bill", bill)], title=name.capitalize()))
    return JSONResponse({"project": name}, 201)


app = Starlette(
    routes=[Route("/customers/{name}", add_customer, methods=["PUT"]), Mount("/runs", solo.app)],
    middleware=[Middleware(AuthenticationMiddleware, backend=Tokens())],
    lifespan=lifespan,
)
