"""Finds the endpoint for a request, validates its query string and calls its handler."""

import re
from collections.abc import Iterable, Mapping
from typing import Generic, TypeVar

from starlette.convertors import PathConvertor, register_url_convertor
from starlette.routing import compile_path
from starlette.types import ASGIApp

from solorun.errors import MethodNotAllowed, NotFound
from solorun.http.operation import Endpoint, Handler
from solorun.http.request import Request
from solorun.http.validation import decode_query

State = TypeVar("State")


class _AnyPathConvertor(PathConvertor):
    """Starlette's `path`, but matching line breaks too: file names may contain them."""

    regex = "(?s:.*)"


register_url_convertor("any_path", _AnyPathConvertor())


class Router(Generic[State]):
    """The endpoints of an application in the order of its table. `fallback` handles paths that match none of them."""

    def __init__(
        self, state: State, endpoints: Iterable[Endpoint[State]], fallback: Handler[State] | None = None
    ) -> None:
        by_path: dict[str, dict[str, Endpoint[State]]] = {}
        for endpoint in endpoints:
            by_path.setdefault(endpoint.path, {})[endpoint.method] = endpoint
        self._state = state
        self._resources = [_Resource(path, methods) for path, methods in by_path.items()]
        self._fallback = fallback

    async def handle(self, request: Request) -> ASGIApp:
        """The response to a request. Raises NotFound, MethodNotAllowed, InvalidRequest, and what the handler raises."""
        for resource in self._resources:
            match = resource.pattern.fullmatch(request.path)
            if match is not None:
                endpoint = resource.find_endpoint(request.method)
                request.operation_id = endpoint.id
                request.path_params = match.groupdict()
                if endpoint.query is not None:
                    request.query = decode_query(request.scope["query_string"], endpoint.query)
                return await endpoint.handler(self._state, request)
        if self._fallback is None:
            raise NotFound
        return await self._fallback(self._state, request)


class _Resource(Generic[State]):
    """One path with its methods."""

    def __init__(self, path: str, endpoints: Mapping[str, Endpoint[State]]) -> None:
        self.pattern: re.Pattern[str] = compile_path(path)[0]
        self._endpoints = dict(endpoints)
        if "GET" in self._endpoints:
            self._endpoints["HEAD"] = self._endpoints["GET"]

    def find_endpoint(self, method: str) -> Endpoint[State]:
        endpoint = self._endpoints.get(method)
        if endpoint is None:
            raise MethodNotAllowed(allowed=sorted(self._endpoints))
        return endpoint
