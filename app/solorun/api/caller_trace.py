"""Makes the runs that a request starts part of the trace of its caller."""

from typing import Final

from solorun.http.operation import RequestHeader
from solorun.http.request import Request
from solorun.trace_context import TRACE_HEADERS, TRACEPARENT, caller_trace

TRACEPARENT_HEADER: Final = RequestHeader(
    TRACEPARENT, "The trace that the run continues (W3C Trace Context), if the service records traces.", str
)
_FIRST: Final = TRACEPARENT.encode()
_NAMES: Final = frozenset(name.encode() for name in TRACE_HEADERS)


def continue_trace(request: Request) -> None:
    """Let the run that this request starts be part of the caller's trace. Each request has a context of its own."""
    if _FIRST in request.headers:
        sent = request.headers.keys() & _NAMES
        caller_trace.set({name.decode(): request.headers[name].decode("latin-1") for name in sent})
