"""The rows of a route table. Routing and the OpenAPI document are both derived from them."""

from collections.abc import Awaitable, Callable
from dataclasses import KW_ONLY, dataclass
from typing import Any, Generic, TypeVar

import msgspec
from starlette.types import ASGIApp

from solorun.errors import Problem
from solorun.http.request import NO_OPERATION, Request

State = TypeVar("State", contravariant=True)

Handler = Callable[[State, Request], Awaitable[ASGIApp]]
"""Called with the application's state and a request whose query has been validated; returns the response."""


class NoQuery(msgspec.Struct, forbid_unknown_fields=True):
    """No parameters."""


@dataclass(frozen=True, slots=True)
class Endpoint(Generic[State]):
    """One method of one path, such as "GET /runs/{run_id}". `query` declares its query parameters; None ignores any."""

    route: str
    handler: Handler[State]
    _: KW_ONLY
    id: str = NO_OPERATION
    query: type[msgspec.Struct] | None = NoQuery

    @property
    def method(self) -> str:
        return self.route.partition(" ")[0]

    @property
    def path(self) -> str:
        return self.route.partition(" ")[2]


@dataclass(frozen=True, slots=True)
class ResponseSpec:
    """A response that is not one of `problems`. `model` is the struct that it encodes; None unless it is known JSON."""

    status: int
    description: str
    media_type: str = "application/json"
    model: Any = None


@dataclass(frozen=True, slots=True)
class RequestHeader:
    """A header that the operation reads. `type` is that of its value, such as Annotated[int, Meta(ge=0)]."""

    name: str
    description: str
    type: Any


@dataclass(frozen=True, slots=True)
class Operation(Endpoint[State]):
    """A documented endpoint. Its `id` is the name of its handler in camel case, unless another one is given.

    `problems` are those beyond the ones that every operation of its kind may return. `body` and `form` are the models
    of a JSON body and of an HTML form. `public` operations need no token. An operation that `verifies_itself` gets
    requests of any origin, with any body, and decides by their contents. `right` is what the caller must be allowed to
    do; by default "view" for safe methods, "admin" for others.
    """

    _: KW_ONLY
    summary: str
    right: str = ""
    responses: tuple[ResponseSpec, ...]
    problems: tuple[type[Problem], ...] = ()
    body: type[msgspec.Struct] | None = None
    form: type[msgspec.Struct] | None = None
    headers: tuple[RequestHeader, ...] = ()
    public: bool = False
    verifies_itself: bool = False
    tag: str = "runs"

    def __post_init__(self) -> None:
        if self.id == NO_OPERATION:
            first, *words = self.handler.__name__.split("_")
            object.__setattr__(self, "id", first + "".join(map(str.capitalize, words)))
        if not self.right:
            object.__setattr__(self, "right", "view" if self.method in ("GET", "HEAD") else "admin")
