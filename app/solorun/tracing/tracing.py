"""The contract of tracing, what stands for it when it is off, and the choice between both."""

import logging
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Final, Protocol

from solorun.component import Component
from solorun.errors import ConfigurationInvalid, FieldError
from solorun.execution import RunHandle
from solorun.settings import Settings
from solorun.step import StepContext, StepObservation
from solorun.store import ClaimedDelivery

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

_VARIABLES: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_HOW_TO_INSTALL: Final = "requires other packages: pip install 'solorun[otel]'"

_logger = logging.getLogger("solorun.tracing")


class Tracing(Component, Protocol):
    """Records what runs do. Nothing here fails or delays a run."""

    def observe_run(self, handle: RunHandle) -> AbstractContextManager[object]:
        """Record a run as it is when the block ends. What is recorded within the block belongs to it."""
        ...

    def observe_step(self, context: StepContext) -> AbstractContextManager[StepObservation]:
        """Record an attempt of a step, which has the context that this yields, and its commands."""
        ...

    def observe_delivery(self, claimed: ClaimedDelivery) -> AbstractContextManager[Mapping[str, str]]:
        """Record an attempt to deliver, which has failed if the block raises. Yields headers for the receiver."""
        ...


class Untraced(Tracing):
    """No tracing."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def observe_run(self, handle: RunHandle) -> AbstractContextManager[object]:  # noqa: ARG002
        return nullcontext()

    def observe_step(self, context: StepContext) -> AbstractContextManager[StepObservation]:
        return nullcontext(StepObservation(context))

    def observe_delivery(self, claimed: ClaimedDelivery) -> AbstractContextManager[Mapping[str, str]]:  # noqa: ARG002
        return nullcontext({})


def open_tracing(settings: Settings, environ: Mapping[str, str], *, owns_process: bool) -> Tracing:
    """The tracing that the settings or the variables of OpenTelemetry request. Raises ConfigurationInvalid.

    `owns_process`: there is no host application. A host that has set a tracer provider gets the spans.
    """
    host_provider = None if owns_process or settings.otlp_endpoint is not None else _find_provider()
    if host_provider is None and settings.otlp_endpoint is None and not any(map(environ.get, _VARIABLES)):
        return Untraced()
    try:
        from solorun.tracing.spans import SpanTracing
    except ImportError as error:
        if settings.otlp_endpoint is None:
            # The variables may be meant for other programs on this machine.
            _logger.warning("%s is set, but tracing %s (%s)", _VARIABLES[0], _HOW_TO_INSTALL, error)
            return Untraced()
        message = f"{_HOW_TO_INSTALL} ({error})"
        raise ConfigurationInvalid([FieldError("service.otlp_endpoint", message)]) from None
    return SpanTracing(settings, host_provider, is_global=owns_process)


def _find_provider() -> "TracerProvider | None":
    """The tracer provider of the process, without importing what nothing else has imported."""
    if (sdk := sys.modules.get("opentelemetry.sdk.trace")) is None:
        return None
    provider = sys.modules["opentelemetry.trace"].get_tracer_provider()
    return provider if isinstance(provider, sdk.TracerProvider) else None
