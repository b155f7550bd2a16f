"""The ASGI application. Every request comes in here and every answer leaves here: who may call is asked first, an error
becomes a problem, and each answer gets its security headers."""

import logging
import secrets
from collections.abc import Sequence
from functools import cache
from typing import Final

from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Router
from starlette.types import Message, Receive, Scope, Send

from solorun.api.routes import OPERATIONS
from solorun.api.state import Context
from solorun.auth.authorization import Authorizer
from solorun.auth.sessions import LoginThrottle, Sessions
from solorun.errors import InternalError, Problem
from solorun.http.event_stream import Streams
from solorun.http.problems import problem_of, problem_response
from solorun.http.request import ClientGone, check_announced_size
from solorun.http.responses import HEAD_LINES_EXTENSION, Header, Response, cut_off
from solorun.http.routing import build_routes, public_addresses
from solorun.service import Service

DEFAULT_HEADERS: Final[tuple[Header, ...]] = (
    (b"cache-control", b"no-store"),
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
        b"font-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
"""On every answer; an answer's own header of that name is used instead."""

_DEFAULT_NAMES: Final = frozenset(name for name, _ in DEFAULT_HEADERS)
_NO_OPERATION: Final = "none"

_logger = logging.getLogger("solorun.api")


class Application:
    """Solorun over HTTP. `pages` are the dashboard's routes."""

    def __init__(self, service: Service, pages: Sequence[BaseRoute] = ()) -> None:
        settings = service.settings
        sessions = Sessions()
        self.context = Context(
            service=service,
            operations=OPERATIONS,
            root_path=settings.root_path,
            access=Authorizer(settings, sessions, public_addresses(OPERATIONS)),
            sessions=sessions,
            throttle=LoginThrottle(),
            streams=Streams(service.hub),
        )
        self.routes: list[BaseRoute] = [*build_routes(self.context, OPERATIONS), *pages]
        self._router = Router(self.routes, redirect_slashes=False)
        self._root_path = settings.root_path

    def end_streams(self) -> None:
        """End every open stream with `event: shutdown`, and every later one at once."""
        self.context.streams.shut_down()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"unexpected ASGI scope: {scope['type']}")
        started = False

        async def answer(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                _add_defaults(message, scope)
                self.context.answers[scope.get("solorun.operation", _NO_OPERATION), message["status"]] += 1
            await send(message)

        try:
            await self._serve(scope, receive, answer)
        except ClientGone:
            return
        except Exception as error:
            if started:
                message = _problem_of(error, scope).message
                _logger.warning("The answer to %s %s was cut off: %s", scope["method"], scope["path"], message)
                if not await cut_off(scope):
                    raise
                return
            refusal = self._refusal_of(error, scope)
        else:
            return
        # The error is forgotten by now, and with it all the frames that it came through.
        await refusal(scope, receive, answer)

    def _refusal_of(self, error: Exception, scope: Scope) -> Response:
        # Not in the frame that the error's traceback holds: a name for it there would be a cycle for each refusal.
        headers = _headers_of(error) if isinstance(error, HTTPException) else ()
        problem = _problem_of(error, scope)
        return problem_response(problem, path=scope["path"], root_path=self._root_path, headers=headers)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        # A proxy may have taken the public path away, or not: within, it is never there.
        path: str = scope["path"]
        if self._root_path and (path + "/").startswith(self._root_path + "/"):
            scope["path"] = path[len(self._root_path) :] or "/"
        scope["root_path"] = ""
        scope["app"] = self
        headers = scope["solorun.headers"] = dict(scope["headers"])
        refusal = self.context.access.authorize(scope, headers)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        check_announced_size(headers)
        await self._router(scope, receive, send)


def create_app(service: Service, pages: Sequence[BaseRoute] = ()) -> Application:
    return Application(service, pages)


def _add_defaults(message: Message, scope: Scope) -> None:
    """Give the head of an answer the headers that it lacks; as lines, where the server takes them."""
    own = frozenset(name for name, _ in message["headers"] if name in _DEFAULT_NAMES)
    taker = scope.get("extensions", {}).get(HEAD_LINES_EXTENSION)
    if taker is not None:
        taker["add"](_default_lines(own))
    else:
        message["headers"] = [*message["headers"], *_defaults_besides(own)]


@cache
def _default_lines(own: frozenset[bytes]) -> bytes:
    return b"".join(b"%b: %b\r\n" % header for header in _defaults_besides(own))


def _defaults_besides(own: frozenset[bytes]) -> list[Header]:
    return [header for header in DEFAULT_HEADERS if header[0] not in own]


def _problem_of(error: Exception, scope: Scope) -> Problem:
    """What is told of an error. What nobody foresaw is told as no more than a name for it, under which it is logged."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, HTTPException) and error.status_code < 500:
        return problem_of(error)
    name = secrets.token_hex(6)
    _logger.error("Error %s at %s %s", name, scope["method"], scope["path"], exc_info=error)
    return InternalError(f"The service met an error of its own; its log tells more of error {name}.")


def _headers_of(error: HTTPException) -> tuple[Header, ...]:
    headers = error.headers or {}
    return tuple((name.lower().encode("ascii"), value.encode("ascii")) for name, value in headers.items())
