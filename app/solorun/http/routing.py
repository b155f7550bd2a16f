"""Makes routes of the table's operations: each checks what the table says of a request before its handler is called."""

from collections.abc import Iterable, Mapping

import msgspec
from starlette.convertors import PathConvertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from solorun.api.state import Context
from solorun.http.operation import Operation
from solorun.http.request import Request
from solorun.http.validation import decode_query


class _AnyPathConvertor(PathConvertor):
    """As starlette's `path`, and line ends too: a file may be called anything."""

    regex = "(?s:.*)"


register_url_convertor("any_path", _AnyPathConvertor())


class NoQuery(msgspec.Struct, forbid_unknown_fields=True):
    """No parameters."""


def public_addresses(operations: Iterable[Operation]) -> frozenset[tuple[str, str]]:
    """The exact (method, path) pairs that need no token."""
    return frozenset(
        (method, operation.path)
        for operation in operations
        if operation.public
        for method in ((operation.method, "HEAD") if operation.method == "GET" else (operation.method,))
    )


def build_routes(context: Context, operations: Iterable[Operation]) -> list[Route]:
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
