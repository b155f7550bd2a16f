"""What the route table says of one operation: the routes and the OpenAPI document are both made from it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from starlette.types import ASGIApp

from solorun.errors import Problem
from solorun.http.request import Request
from solorun.run import MAX_RUN_ID

Handler = Callable[[Request], Awaitable[ASGIApp]]

PATH_PARAMETERS: Final[dict[str, dict[str, Any]]] = {
    "project": {"description": "A project's name.", "schema": {"type": "string"}},
    "run_id": {
        "description": "A run's id.",
        "schema": {"type": "integer", "format": "int64", "minimum": 0, "maximum": MAX_RUN_ID},
    },
    "name": {"description": "An artifact's name; it may contain `/`.", "schema": {"type": "string"}},
    "slug": {"description": "The end of a problem's type.", "schema": {"type": "string"}},
}


@dataclass(frozen=True, slots=True)
class ResponseSpec:
    """One good answer: its shape is a struct, None for anything but JSON of ours."""

    status: int
    description: str
    media_type: str = "application/json"
    shape: Any = None


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path.

    `public`: whether it is exempt from the token; everything else is not. `query` and `body` are structs that say what
    the parameters and the members are; `form` is that of a body from an HTML form.
    """

    method: str
    path: str
    id: str
    summary: str
    handler: Handler
    replies: tuple[ResponseSpec, ...]
    problems: tuple[type[Problem], ...] = ()
    query: type[msgspec.Struct] | None = None
    body: type[msgspec.Struct] | None = None
    form: type[msgspec.Struct] | None = None
    headers: tuple[tuple[str, str], ...] = ()
    public: bool = False
    tag: str = "runs"
