"""An application whose host decides what callers may do."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount

from solorun.api import Application
from solorun.auth.permissions import Authorize
from solorun.dashboard import Dashboard
from solorun.right import Right
from tests.fakes.application import OpenServed, Served

RIGHTS = {
    "owner": {*Right},
    "reader": {Right.VIEW},
    "stopper": {Right.VIEW, Right.CANCEL},
    "starter": {Right.VIEW, Right.START},
}


def may(request: Request, right: Right, project: str | None) -> bool:
    """A caller has the rights of a role, in one project only if a second word names it."""
    role, _, only = request.headers.get("authorization", "").partition(" ")
    return right in RIGHTS.get(role, set()) and (not only or project in (None, only))


async def show_error(request: Request, error: Exception) -> Response:
    return PlainTextResponse(f"from the host: {error}", 401)


@asynccontextmanager
async def hosted(
    open_served: OpenServed, authorize: Authorize, **settings: Any
) -> AsyncIterator[tuple[Served, httpx.AsyncClient]]:
    """A client of an application whose callers are identified by their header `Authorization`."""
    async with open_served(**settings) as served:
        dashboard = Dashboard()
        application = Application(served.service, dashboard.endpoints, dashboard.show_not_found, authorize)
        app = Starlette(routes=[Mount("/runs", application)], exception_handlers={HTTPException: show_error})
        transport = httpx.ASGITransport(app, client=("127.0.0.1", 5000))
        async with httpx.AsyncClient(transport=transport, base_url="http://any.example.org/runs") as client:
            yield served, client
