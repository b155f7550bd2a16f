"""The trace that a caller is part of, as the headers of W3C Trace Context. Only `tracing/` knows what they mean."""

import re
from collections.abc import Mapping
from contextvars import ContextVar
from types import MappingProxyType
from typing import Final

TRACEPARENT: Final = "traceparent"
_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
TRACE_HEADERS: Final = (TRACEPARENT, "tracestate")

_NO_TRACE: Final[Mapping[str, str]] = MappingProxyType({})
caller_trace: Final[ContextVar[Mapping[str, str]]] = ContextVar("caller_trace", default=_NO_TRACE)
"""The headers of the request that is being handled; {} without any."""


def find_traceparent(trace: Mapping[str, str]) -> str | None:
    """The span in these headers; None without a valid one."""
    found = trace.get(TRACEPARENT, "")
    return found if _TRACEPARENT.fullmatch(found) else None
