"""One request as its handler sees it: typed parameters and body, checked against the route table."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec
from starlette.types import Message, Receive, Scope

from solorun.errors import PayloadTooLarge, RunNotFound, UnsupportedMediaType
from solorun.http.validation import decode_body
from solorun.run import MAX_RUN_ID

if TYPE_CHECKING:
    from solorun.api.state import Context
    from solorun.service import Service

MAX_BODY_BYTES: Final = 1024 * 1024
FORM: Final = b"application/x-www-form-urlencoded"

_RUN_ID: Final = re.compile(r"[0-9]{1,19}", re.ASCII)

Model = TypeVar("Model", bound=msgspec.Struct)


class ClientGone(Exception):
    """The client closed the connection before its request was whole: there is nobody to answer."""


class Request:
    """A request that was admitted and has a handler. `query` is what its operation's query struct says."""

    __slots__ = ("_receive", "context", "headers", "query", "scope")

    def __init__(
        self, context: "Context", scope: Scope, receive: Receive, headers: Mapping[bytes, bytes], query: Any
    ) -> None:
        self.context = context
        self.scope = scope
        self.headers = headers
        self.query = query
        self._receive = receive

    @property
    def service(self) -> "Service":
        return self.context.service

    @property
    def path(self) -> Mapping[str, str]:
        """The parameters of the path."""
        params: Mapping[str, str] = self.scope["path_params"]
        return params

    @property
    def run_id(self) -> int:
        """The run in the path. Raises RunNotFound for what cannot be one."""
        return parse_run_id(self.path["run_id"])

    async def read_body(self, shape: type[Model]) -> Model:
        """The JSON body as a `shape`. Raises UnsupportedMediaType, PayloadTooLarge, InvalidRequest with every fault."""
        body = await self._read_bytes()
        if body and not _is_json(self.headers.get(b"content-type", b"")):
            raise UnsupportedMediaType
        return decode_body(body, shape)

    async def read_form(self) -> bytes:
        """The body of an HTML form, still encoded. Raises UnsupportedMediaType, PayloadTooLarge."""
        body = await self._read_bytes()
        if body and _media_type(self.headers.get(b"content-type", b"")) != FORM:
            raise UnsupportedMediaType("A body must be application/x-www-form-urlencoded.")
        return body

    async def _read_bytes(self) -> bytes:
        if self.headers.get(b"content-length", b"0") == b"0" and b"transfer-encoding" not in self.headers:
            return b""
        message = await self._receive()
        if not message.get("more_body", False):
            return _body_of(message)
        chunks = [_body_of(message)]
        size = len(chunks[0])
        while message.get("more_body", False):
            message = await self._receive()
            chunks.append(_body_of(message))
            size += len(chunks[-1])
            if size > MAX_BODY_BYTES:
                raise PayloadTooLarge(f"A body may have {MAX_BODY_BYTES} bytes.")
        return b"".join(chunks)


def parse_run_id(text: str) -> int:
    """A run's id as it stands in an address. Raises RunNotFound for what cannot be one."""
    if _RUN_ID.fullmatch(text) is None or int(text) > MAX_RUN_ID:
        raise RunNotFound
    return int(text)


def check_announced_size(headers: Mapping[bytes, bytes]) -> None:
    """Raises PayloadTooLarge for a body that says it is."""
    announced = headers.get(b"content-length", b"0")
    if len(announced) > 7 or (announced.isdigit() and int(announced) > MAX_BODY_BYTES):
        raise PayloadTooLarge(f"A body may have {MAX_BODY_BYTES} bytes.")


def _body_of(message: Message) -> bytes:
    if message["type"] == "http.disconnect":
        raise ClientGone
    body: bytes = message.get("body", b"")
    return body


def _media_type(content_type: bytes) -> bytes:
    return content_type.partition(b";")[0].strip().lower()


def _is_json(content_type: bytes) -> bool:
    return _media_type(content_type) == b"application/json"
