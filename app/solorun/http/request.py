"""One request: its headers, its path below the application's root, and its body with limits."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final, TypeVar
from urllib.parse import quote

from starlette.types import Message, Receive, Scope

from solorun.errors import PayloadTooLarge, UnsupportedMediaType
from solorun.http.responses import wait_for_disconnect
from solorun.http.validation import Model, decode_body, decode_query

MAX_BODY_BYTES: Final = 1024 * 1024
NO_OPERATION: Final = "none"

Result = TypeVar("Result")


class ClientDisconnected(Exception):
    """The client closed the connection before it had sent the whole request."""


class Request:
    """A request.

    `path` is decoded and relative to the application's root. `root_path` is the public path of that root,
    percent-encoded, without a final slash: prepend it to every address in a response. The router fills in
    `operation_id`, `path_params` and `query` (an instance of the operation's query model).
    """

    is_still_authorized: Callable[[], bool] | None = None
    """For a request with a session: whether that is still open."""

    def __init__(self, scope: Scope, receive: Receive, *, public_path: str = "") -> None:
        """`public_path` is where clients see the application, if its root path alone does not say so."""
        root_path, self.path = _split_path(scope, public_path)
        self.root_path = quote(root_path) if root_path else ""
        self.scope = scope
        self.method: str = scope["method"]
        self.headers: Mapping[bytes, bytes] = dict(scope["headers"])
        self.operation_id = NO_OPERATION
        self.path_params: Mapping[str, str] = {}
        self.query: Any = None
        self._receive = receive

    @property
    def target(self) -> str:
        """The path and the query string, percent-encoded, relative to the application's root."""
        query = self.scope["query_string"].decode("latin-1")
        return quote(self.path) + (f"?{query}" if query else "")

    def check_announced_size(self) -> None:
        """Raises PayloadTooLarge if the Content-Length exceeds the limit."""
        announced = self.headers.get(b"content-length", b"0")
        if len(announced) > 7 or (announced.isdigit() and int(announced) > MAX_BODY_BYTES):
            raise _too_large()

    async def read_body(self, model: type[Model]) -> Model:
        """The JSON body as a `model`. Raises UnsupportedMediaType, PayloadTooLarge, InvalidRequest with every fault."""
        return decode_body(await self._read_bytes(b"application/json"), model)

    async def read_form(self, model: type[Model]) -> Model:
        """The fields of an HTML form as a `model`. Raises UnsupportedMediaType, PayloadTooLarge, InvalidRequest."""
        return decode_query(await self._read_bytes(b"application/x-www-form-urlencoded"), model)

    async def read_bytes(self) -> bytes:
        """The body, of any type. Raises PayloadTooLarge."""
        return await self._read_bytes()

    async def while_connected(self, work: Coroutine[Any, Any, Result]) -> Result:
        """The result of `work`, which is cancelled when the client is gone. Raises ClientDisconnected."""
        task, gone = asyncio.ensure_future(work), asyncio.ensure_future(wait_for_disconnect(self._receive))
        try:
            await asyncio.wait((task, gone), return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise ClientDisconnected
            return task.result()
        finally:
            task.cancel()
            gone.cancel()
            await asyncio.wait((task, gone))

    async def _read_bytes(self, media_type: bytes | None = None) -> bytes:
        if self.headers.get(b"content-length", b"0") == b"0" and b"transfer-encoding" not in self.headers:
            return b""
        message = await self._receive()
        body = _body_of(message)
        if message.get("more_body", False):
            body = await self._read_rest(body)
        if len(body) > MAX_BODY_BYTES:
            raise _too_large()
        announced = self.headers.get(b"content-type", b"")
        if body and media_type not in (None, announced, announced.partition(b";")[0].strip().lower()):
            raise UnsupportedMediaType(f"The request body must be {media_type.decode()}.")
        return body

    async def _read_rest(self, begun: bytes) -> bytes:
        """The body that begins like this, or a part of it that exceeds the limit."""
        body, has_more = bytearray(begun), True
        while has_more and len(body) <= MAX_BODY_BYTES:
            message = await self._receive()
            body += _body_of(message)
            has_more = message.get("more_body", False)
        return bytes(body)


def address_of(scope: Scope) -> str:
    """The address of the client, or of the proxy in front of it."""
    return str((scope.get("client") or ("an unknown address",))[0])


def _split_path(scope: Scope, public_path: str) -> tuple[str, str]:
    """The root that clients see, and the path below it.

    A mount or a server's `root_path` is part of the path (ASGI). A proxy may have stripped the public path or kept it.
    """
    path: str = scope["path"]
    mount_path: str = scope.get("root_path", "").rstrip("/")
    if mount_path:
        path = _strip(path, mount_path)
    if public_path and not mount_path.endswith(public_path):
        path = _strip(path, public_path)
    return public_path or mount_path, path


def _strip(path: str, root: str) -> str:
    return path[len(root) :] or "/" if (path + "/").startswith(root + "/") else path


def _too_large() -> PayloadTooLarge:
    return PayloadTooLarge(f"The request body exceeds {MAX_BODY_BYTES // 2**20} MiB.")


def _body_of(message: Message) -> bytes:
    if message["type"] == "http.disconnect":
        raise ClientDisconnected
    body: bytes = message.get("body", b"")
    return body
