"""The trace that a caller is part of, as the headers of W3C Trace Context. Only `tracing/` knows what they mean."""

from collections.abc import Mapping
from contextvars import ContextVar
from types import MappingProxyType
from typing import Final

TRACEPARENT: Final = "traceparent"
TRACE_HEADERS: Final = (TRACEPARENT, "tracestate")

_NO_TRACE: Final[Mapping[str, str]] = MappingProxyType({})
caller_trace: Final[ContextVar[Mapping[str, str]]] = ContextVar("caller_trace", default=_NO_TRACE)
"""The headers of the request that is being handled; {} without any."""
