"""Exports spans over OTLP on a thread. A collector that does not answer costs spans, and nothing else."""

import asyncio
import threading
from contextlib import suppress
from importlib.metadata import version
from typing import Final

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

FLUSH_SECONDS: Final = 2.0
"""How long a shutdown waits for the last spans to be exported."""


def create_provider(endpoint: str | None) -> TracerProvider:
    """A provider that exports to `endpoint`, or else to that of the variables, which set everything else too."""
    own = Resource({"service.name": "solorun", "service.version": version("solorun")})
    provider = TracerProvider(resource=own.merge(OTELResourceDetector().detect()), shutdown_on_exit=False)
    url = f"{endpoint.rstrip('/')}/v1/traces" if endpoint is not None else None
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=url)))
    return provider


async def shut_down(provider: TracerProvider) -> None:
    """Export what is left, within the limit."""
    loop, done = asyncio.get_running_loop(), asyncio.Event()

    def work() -> None:
        provider.shutdown()
        with suppress(RuntimeError):  # The loop is closed: it came too late.
            loop.call_soon_threadsafe(done.set)

    # A daemon: an export that hangs must not keep the process alive.
    threading.Thread(target=work, name="last spans", daemon=True).start()
    with suppress(TimeoutError):
        async with asyncio.timeout(FLUSH_SECONDS):
            await done.wait()
