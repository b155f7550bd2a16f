"""The ASGI application: authorizes each request, routes it, and turns errors into problems."""

import logging
import secrets
from functools import cache
from typing import Final

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from solorun.api.family_limit import FamilyLimit
from solorun.api.problems import problem_response
from solorun.api.rights import check_rights, name_projects
from solorun.api.routes import OPERATIONS
from solorun.api.state import State
from solorun.auth.authorization import Authorizer
from solorun.auth.permissions import Authorize, Identify
from solorun.engine import now
from solorun.errors import InternalError, Problem, ProjectNotFound
from solorun.http.compression import compress
from solorun.http.event_stream import Streams
from solorun.http.operation import Endpoint, Handler
from solorun.http.request import ClientDisconnected, Request
from solorun.http.responses import HEAD_LINES_EXTENSION, Header, Response, cut_off
from solorun.http.routing import Router
from solorun.service import Service

DEFAULT_HEADERS: Final[tuple[Header, ...]] = (
    (b"cache-control", b"no-store"),
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
        b"font-src 'self'; frame-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
"""Headers of every response. A response's own header of the same name replaces the default."""

_DEFAULT_NAMES: Final = frozenset(name for name, _ in DEFAULT_HEADERS)

_logger = logging.getLogger("solorun.api")


class Application:
    """An open service over HTTP, below any root path. `asgi.py` has an application with a lifespan.

    `pages` are the endpoints of the dashboard. `show_not_found` handles paths that match no endpoint.
    With `authorize`, a host application has identified the callers, and says what they may do; with `identify`, it says
    who they are.
    """

    def __init__(
        self,
        service: Service,
        pages: tuple[Endpoint[object], ...],
        show_not_found: Handler[object],
        authorize: Authorize | None = None,
        identify: Identify | None = None,
    ) -> None:
        settings = service.settings
        self.state = State(
            service=service,
            operations=OPERATIONS,
            authorizer=Authorizer(
                settings,
                OPERATIONS,
                service.limits.failure_delay_seconds,
                service.store,
                now=now,
                is_hosted=authorize is not None,
            ),
            streams=Streams(
                service.hub.count_stream,
                service.limits.streams,
                max_open=settings.max_streams,
                max_open_per_client=settings.max_streams_per_client,
            ),
            family_limit=FamilyLimit(service),
            authorize=authorize,
            identify=identify,
        )
        self.endpoints: tuple[Endpoint[State], ...] = (*OPERATIONS, *pages)
        self._router = Router(self.state, self.endpoints, show_not_found, None if authorize is None else check_rights)
        self._public_path = settings.root_path

    def end_streams(self) -> None:
        """End every open stream with `event: shutdown`, and every later one immediately."""
        self.state.streams.shut_down()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        match scope["type"]:
            case "http":
                await self._respond(Request(scope, receive, public_path=self._public_path), receive, send)
            case "websocket":
                await WebSocketClose()(scope, receive, send)

    async def _respond(self, request: Request, receive: Receive, send: Send) -> None:
        scope, started = request.scope, False

        async def send_counted(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                _add_defaults(message, scope)
                self.state.responses[request.operation_id, message["status"]] += 1
            await send(message)

        try:
            response: ASGIApp | None = await self.state.authorizer.authorize(request)
            if response is None:
                request.check_announced_size()
                response = await self._handle(request)
            await compress(response, request)(scope, receive, send_counted)
        except ClientDisconnected:
            return
        except HTTPException:  # raised by `authorize` or `identify`, for the handlers of the host application
            raise
        except Exception as error:
            if started:
                message = _problem_of(error, request).message
                _logger.warning("The response to %s %s was cut off: %s", request.method, scope["path"], message)
                if not await cut_off(scope):
                    raise
                return
            failure = _failure(error, request)
        else:
            return
        # Outside the handler, so that the error and the frames in its traceback are already released.
        await failure(scope, receive, send_counted)

    async def _handle(self, request: Request) -> ASGIApp:
        try:
            return await self._router.handle(request)
        except ProjectNotFound as missing:
            raise await name_projects(self.state, request, missing) from None


def _add_defaults(message: Message, scope: Scope) -> None:
    """Add the default headers that a response lacks; as encoded lines if the server accepts them."""
    own = _DEFAULT_NAMES.intersection(dict(message["headers"]))
    extension = scope.get("extensions", {}).get(HEAD_LINES_EXTENSION)
    if extension is not None:
        extension["add"](_default_lines(own))
    else:
        message["headers"] = [*message["headers"], *_defaults_without(own)]


@cache
def _default_lines(own: frozenset[bytes]) -> bytes:
    return b"".join(b"%b: %b\r\n" % header for header in _defaults_without(own))


def _defaults_without(own: frozenset[bytes]) -> list[Header]:
    return [header for header in DEFAULT_HEADERS if header[0] not in own]


def _failure(error: Exception, request: Request) -> Response:
    # Not in the frame that the error's traceback holds: a name for the response there would be a reference cycle.
    return problem_response(_problem_of(error, request), path=request.path, root_path=request.root_path)


def _problem_of(error: Exception, request: Request) -> Problem:
    """The problem to report. An unexpected error is logged, and reported only by the id that it is logged under."""
    if isinstance(error, Problem):
        return error
    error_id = secrets.token_hex(6)
    _logger.error("Error %s at %s %s", error_id, request.method, request.scope["path"], exc_info=error)
    return InternalError(f"Internal error {error_id}. See the service log.")
