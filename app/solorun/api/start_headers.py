"""The headers of requests that start runs: Idempotency-Key (draft-ietf-httpapi-idempotency-key-header), traceparent."""

import re
from functools import cache
from typing import Annotated, Final

import msgspec
from msgspec import Meta
from msgspec.structs import asdict

from solorun.errors import FieldError, InvalidRequest
from solorun.http.operation import RequestHeader
from solorun.http.request import Request
from solorun.idempotency_key import KEY_FORMAT, KEY_HEADER, MAX_KEY_CHARACTERS, IdempotencyKey, is_valid_key
from solorun.trace_context import TRACE_HEADERS, TRACEPARENT, caller_trace

TRACEPARENT_HEADER: Final = RequestHeader(
    TRACEPARENT, "The trace that the run continues (W3C Trace Context), if the service records traces.", str
)
START_HEADERS: Final = (
    RequestHeader(
        KEY_HEADER,
        "Repeating a request with the same key within 24 hours does not start a second run.",
        Annotated[str, Meta(min_length=1, max_length=MAX_KEY_CHARACTERS, pattern="^[!-~]+$")],
    ),
    TRACEPARENT_HEADER,
)

_FIRST_OF_TRACE: Final = TRACEPARENT.encode()
_TRACE_NAMES: Final = frozenset(name.encode() for name in TRACE_HEADERS)
_NAME: Final = KEY_HEADER.lower().encode()
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\["\\])*)"')
"""A string of a structured field (RFC 9651, 3.3.3), which is how the draft sends a key."""

_encode: Final = msgspec.json.Encoder(order="sorted").encode


def continue_trace(request: Request) -> None:
    """Let the run that this request starts be part of the caller's trace. Each request has a context of its own."""
    if _FIRST_OF_TRACE in request.headers:
        sent = request.headers.keys() & _TRACE_NAMES
        caller_trace.set({name.decode(): request.headers[name].decode("latin-1") for name in sent})


def find_key(request: Request, body: msgspec.Struct) -> IdempotencyKey | None:
    """The request's key, with the fingerprint of its path and body; None without the header. Raises InvalidRequest."""
    header = request.headers.get(_NAME)
    if header is None:
        return None
    return IdempotencyKey(_parse(header.decode("latin-1").strip()), request.path.encode() + b"\n" + _canonical(body))


def _canonical(body: msgspec.Struct) -> bytes:
    """The body as sorted JSON without defaults. A field that a later version adds leaves it as it is."""
    default = _default_of(type(body))
    if body == default:
        return b"{}"
    return _encode({name: value for name, value in asdict(body).items() if value != getattr(default, name)})


@cache
def _default_of(model: type[msgspec.Struct]) -> msgspec.Struct:
    return model()


def _parse(text: str) -> str:
    """The key, which is the same with and without quotes. Raises InvalidRequest."""
    key: str | None = text
    if text.startswith('"'):
        quoted = _QUOTED.fullmatch(text)
        key = quoted and re.sub(r"\\(.)", r"\1", quoted[1])
    if key is None or not is_valid_key(key):
        raise InvalidRequest(errors=[FieldError(KEY_HEADER, KEY_FORMAT)])
    return key
