"""Traces of runs, steps and commands, for OpenTelemetry. Off unless an endpoint is configured.

`tracing` is the contract, `spans` records the spans, and `provider` exports them.
"""

from solorun.tracing.tracing import Tracing, Untraced, open_tracing

__all__ = ["Tracing", "Untraced", "open_tracing"]
