"""Finds the endpoint for a request, validates its query string and calls its handler."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final, Generic, TypeVar

from starlette.convertors import PathConvertor, register_url_convertor
from starlette.routing import compile_path
from starlette.types import ASGIApp

from solorun.errors import MethodNotAllowed
from solorun.http.operation import Endpoint, Handler
from solorun.http.request import Request
from solorun.http.validation import decode_query

_MAX_REMEMBERED_PATHS: Final = 256

State = TypeVar("State")
Check = Callable[[State, Endpoint[State], Request], Awaitable[None]]


class _AnyPathConvertor(PathConvertor):
    """Starlette's `path`, but matching line breaks too: file names may contain them."""

    regex = "(?s:.*)"


register_url_convertor("any_path", _AnyPathConvertor())


class Router(Generic[State]):
    """The endpoints of an application in the order of its table. `fallback` handles paths that match none of them."""

    def __init__(
        self,
        state: State,
        endpoints: Iterable[Endpoint[State]],
        fallback: Handler[State],
        check: Check[State] | None = None,
    ) -> None:
        """`check` is called before a handler, and raises if the request must not reach it."""
        by_path: dict[str, dict[str, Endpoint[State]]] = {}
        for endpoint in endpoints:
            methods = by_path.setdefault(endpoint.path, {})
            methods[endpoint.method] = endpoint
            if endpoint.method == "GET":
                methods["HEAD"] = endpoint
        self._state = state
        self._resources = [(compile_path(path)[0], methods) for path, methods in by_path.items()]
        self._find = lru_cache(_MAX_REMEMBERED_PATHS)(self._match)
        self._fallback = fallback
        self._check = check

    async def handle(self, request: Request) -> ASGIApp:
        """The response to a request. Raises MethodNotAllowed, InvalidRequest, and what the handler raises."""
        found = self._find(request.path)
        if found is None:
            return await self._fallback(self._state, request)
        endpoints, request.path_params = found
        endpoint = endpoints.get(request.method)
        if endpoint is None:
            raise MethodNotAllowed(allowed=sorted(endpoints))
        request.operation_id = endpoint.id
        if endpoint.query is not None:
            request.query = decode_query(request.scope["query_string"], endpoint.query)
        if self._check is not None:
            await self._check(self._state, endpoint, request)
        return await endpoint.handler(self._state, request)

    def _match(self, path: str) -> tuple[Mapping[str, Endpoint[State]], Mapping[str, str]] | None:
        """The endpoints of a path by their methods, and the parameters in the path."""
        for pattern, endpoints in self._resources:
            if (match := pattern.fullmatch(path)) is not None:
                return endpoints, MappingProxyType(match.groupdict())
        return None
