"""Traces of runs, steps and commands, for OpenTelemetry. Off unless an endpoint is configured."""

from solorun.tracing.tracing import Tracing, Untraced, open_tracing

__all__ = ["Tracing", "Untraced", "open_tracing"]
