"""Records a span for each run, in it one for each step and each notification, and in a step's one for each command.

Names and attributes follow OpenTelemetry's conventions for CI/CD pipelines.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import quote

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from solorun.execution import RunHandle
from solorun.outcome import StepResult, StopReason
from solorun.project import CommandStep
from solorun.settings import Settings
from solorun.status import Status
from solorun.step import CommandObservation, StepContext, StepObservation
from solorun.store import ClaimedDelivery
from solorun.trace_context import TRACEPARENT
from solorun.tracing.provider import create_provider, shut_down
from solorun.tracing.tracing import Tracing

_PROPAGATOR: Final = TraceContextTextMapPropagator()
_RESULTS: Final = {
    Status.COMPLETED: "success",
    Status.FAILED: "failure",
    Status.CANCELLED: "cancellation",
    Status.INTERRUPTED: "error",
}
_TIMEOUTS: Final = (StopReason.RUN_TIMEOUT, StopReason.STEP_TIMEOUT, StopReason.STALL)


class SpanTracing(Tracing):
    """Records to the provider of the host application, or else to one of its own."""

    def __init__(self, settings: Settings, host_provider: TracerProvider | None, *, is_global: bool) -> None:
        self._own_provider = create_provider(settings.otlp_endpoint) if host_provider is None else None
        self._tracer = (self._own_provider or host_provider or trace).get_tracer("solorun")
        self._public_url = settings.public_url
        self._is_global = is_global

    async def start(self) -> None:
        if self._is_global and self._own_provider is not None:
            trace.set_tracer_provider(self._own_provider)

    async def stop(self) -> None:
        if self._own_provider is not None:
            await shut_down(self._own_provider)

    @contextmanager
    def observe_run(self, handle: RunHandle) -> Iterator[None]:
        run = handle.run
        parent = _find_parent(handle.start.trace)
        span = self._tracer.start_span(f"RUN {run.project}", parent, kind=SpanKind.SERVER)
        span.set_attributes(
            {
                "cicd.pipeline.name": run.project,
                "cicd.pipeline.run.id": str(run.id),
                "cicd.pipeline.action.name": "RUN",
                "solorun.scope": run.scope,
                "solorun.triggered_by": run.triggered_by,
            }
        )
        if self._public_url is not None:
            page = f"{self._public_url}/p/{quote(run.project, safe='')}/runs/{run.id}"
            span.set_attribute("cicd.pipeline.run.url.full", page)
        handle.traceparent = _headers_of(span).get(TRACEPARENT)
        try:
            with trace.use_span(span):
                yield
        finally:
            run = handle.run
            is_timeout = run.status is Status.FAILED and handle.cancel_scope.reason in _TIMEOUTS
            result = "timeout" if is_timeout else _RESULTS.get(run.status, "error")
            _end(span, "cicd.pipeline.result", result, run.error_message)

    @contextmanager
    def observe_step(self, context: StepContext) -> Iterator[StepObservation]:
        span = self._tracer.start_span(context.name)
        span.set_attributes(
            {
                "cicd.pipeline.task.name": context.name,
                "cicd.pipeline.task.run.id": f"{context.run_id}-{context.name}-{context.attempt}",
                "solorun.attempt": context.attempt,
            }
        )
        observed = StepObservation(
            replace(context, observe_command=partial(_observe_command, self._tracer, context=context))
        )
        # The tasks of the step inherit the span, so that a coroutine's own spans and commands belong to it.
        with trace.use_span(span):
            yield observed
        result, reason = observed.result or StepResult(), observed.stopped_for
        if reason is None:
            outcome = "success" if result.succeeded else "failure"
        else:
            outcome = "timeout" if reason in _TIMEOUTS else _RESULTS[reason.status]
        message = result.error_message and context.output.mask(result.error_message)
        _end(span, "cicd.pipeline.task.run.result", outcome, message)

    @contextmanager
    def observe_delivery(self, claimed: ClaimedDelivery) -> Iterator[Mapping[str, str]]:
        delivery = claimed.delivery
        parent = _PROPAGATOR.extract({TRACEPARENT: claimed.traceparent} if claimed.traceparent else {})
        span = self._tracer.start_span(f"NOTIFY {delivery.target}", parent, kind=SpanKind.CLIENT)
        span.set_attributes(
            {
                "cloudevents.event_id": delivery.message_id,
                "solorun.notify.event": delivery.event.value,
                "solorun.notify.attempt": delivery.attempt_count + 1,
                "cicd.pipeline.name": delivery.project,
            }
        )
        if delivery.run_id is not None:
            span.set_attribute("cicd.pipeline.run.id", str(delivery.run_id))
        try:
            yield _headers_of(span)
        except BaseException as error:
            _end(span, "", "failure", str(error) or type(error).__name__)
            raise
        _end(span, "", "success", None)


def _observe_command(tracer: Tracer, command: CommandStep, context: StepContext) -> CommandObservation:
    """The span of a command. Not its arguments: they may be secrets that are masked in the log."""
    program = "script" if isinstance(command.run, str) else Path(command.run[0]).name
    span = tracer.start_span(context.output.mask(program))
    span.set_attribute("process.executable.name", context.output.mask(program))

    def end(result: StepResult) -> None:
        if result.exit_code is not None:
            span.set_attribute("process.exit.code", result.exit_code)
        message = result.error_message and context.output.mask(result.error_message)
        _end(span, "", "success" if result.succeeded else "failure", message)

    return CommandObservation({name.upper(): value for name, value in _headers_of(span).items()}, end)


def _find_parent(headers: Mapping[str, str]) -> Context:
    """The span in which the start was handled, as in an instrumented host application, or else that of the caller."""
    if trace.get_current_span().get_span_context().is_valid:
        return otel_context.get_current()
    return _PROPAGATOR.extract(headers)


def _headers_of(span: Span) -> dict[str, str]:
    """What makes the work of another process a part of the span."""
    headers: dict[str, str] = {}
    _PROPAGATOR.inject(headers, trace.set_span_in_context(span))
    return headers


def _end(span: Span, attribute: str, result: str, message: str | None) -> None:
    if not span.is_recording():
        return
    if attribute:
        span.set_attribute(attribute, result)
    if result != "success":
        span.set_status(StatusCode.ERROR, message)
        span.set_attribute("error.type", result)
    span.end()
