"""Traces of runs, steps and commands, as a collector receives them."""

import asyncio
import socket
import sys
import threading
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from opentelemetry import trace
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from solorun import Function, FunctionContext, Solorun
from solorun import Project as SoloProject
from solorun.client import RunClient
from solorun.errors import ConfigurationInvalid
from solorun.settings import Settings
from solorun.tracing import Untraced, open_tracing
from tests.fakes.otlp_receiver import attributes, otlp_receiver
from tests.fakes.patience import PATIENCE_SECONDS
from tests.fakes.project_toml import Call, project_toml
from tests.fakes.solorun_process import serving_here
from tests.fakes.webhook_receiver import receiving

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
SPAN_ID = "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE_ID}-{SPAN_ID}-01"
TOML = project_toml(
    "docs",
    {"build": 'echo "trace $TRACEPARENT"', "publish": Call("MODULE:publish")},
    on_conflict="queue",
    notify=["ops"],
) + project_toml("broken", {"fail": ["sh", "-c", "exit 3"]}, hooks={"push": {"secret": "$GITLAB", "verify": "token"}})
TOML += """
[notify.ops]
webhook = "NOTIFY_URL"
secret = "$HOOK_SECRET"
allow_private = true
on = ["completed"]

[[projects.flaky.steps]]
name = "fetch"
run = "test $SOLORUN_ATTEMPT = 2"
retries = 1
retry_delay = "1ms"
"""
PUBLISHING = """
from opentelemetry import trace

async def publish(step):
    await step.log(f"span {trace.get_current_span().get_span_context().span_id:016x}")
    await step.run("sh", "-c", "echo inner $TRACEPARENT")
"""


@pytest.fixture(autouse=True)
def last_exports() -> Iterator[None]:
    """Ends the threads of exporters with the test. They use `random`, which Hypothesis refuses beside its own tests."""
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        if thread.name == "last spans" or thread.name.startswith("OtelBatch"):
            thread.join()


@asynccontextmanager
async def client_of(
    directory: Path, traceparent: str | None = None, *, notify_url: str = "http://127.0.0.1:9/", **settings: str
) -> AsyncGenerator[RunClient]:
    # Each test has a module of its own.
    (directory / f"{directory.name}.py").write_text(PUBLISHING)
    toml = TOML.replace("MODULE", directory.name).replace("NOTIFY_URL", notify_url)
    async with serving_here(directory, toml, **settings) as url, RunClient(url, traceparent=traceparent) as client:
        yield client


async def lines_of(client: RunClient, run_id: int) -> dict[str, str]:
    """The last word of each line of output, by its first."""
    page = await client.get_log_page(run_id)
    texts = [record.message.partition(" ") for record in page.records if record.event is None]
    return {first: last for first, _, last in texts}


async def redeliver(client: RunClient) -> None:
    """Send the only delivery again until it is delivered."""
    (delivery,) = (await client.list_deliveries()).deliveries
    await client.redeliver(delivery.id)
    async with asyncio.timeout(60):
        while (await client.get_delivery(delivery.id)).status != "delivered":
            await asyncio.sleep(0.01)


async def test_a_run_continues_the_trace_of_its_caller_down_to_its_commands(tmp_path: Path) -> None:
    with otlp_receiver() as collector:
        async with client_of(tmp_path, TRACEPARENT, otlp_endpoint=collector.url) as client:
            first = await client.start_run("docs", triggered_by="ada")
            queued = await client.start_run("docs")
            await client.wait_for_run(first.id)
            await client.wait_for_run(queued.id)
            lines = await lines_of(client, first.id)

    runs = [span for span in collector.spans if span.name == "RUN docs"]
    run = next(span for span in runs if attributes(span)["cicd.pipeline.run.id"] == str(first.id))
    ours = {span.name: span for span in collector.spans if span.parent_span_id == run.span_id}
    script, inner = (
        next(span for span in collector.spans if span.parent_span_id == step.span_id)
        for step in (ours["build"], ours["publish"])
    )
    assert {span.trace_id.hex() for span in collector.spans} == {TRACE_ID}
    assert [span.parent_span_id.hex() for span in runs] == [SPAN_ID, SPAN_ID]
    assert attributes(run) == {
        "cicd.pipeline.name": "docs",
        "cicd.pipeline.run.id": str(first.id),
        "cicd.pipeline.action.name": "RUN",
        "cicd.pipeline.result": "success",
        "solorun.scope": "full",
        "solorun.triggered_by": "ada",
    }
    assert attributes(ours["build"])["cicd.pipeline.task.run.result"] == "success"
    assert (script.name, inner.name) == ("script", "sh")
    assert attributes(script)["process.exit.code"] == 0
    assert lines["trace"] == f"00-{TRACE_ID}-{script.span_id.hex()}-01"
    assert lines["inner"] == f"00-{TRACE_ID}-{inner.span_id.hex()}-01"
    assert lines["span"] == ours["publish"].span_id.hex()
    assert collector.resource["service.name"] == "solorun"


async def test_a_webhook_continues_the_trace_of_the_run_it_is_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    with otlp_receiver() as collector:
        async with (
            receiving("503 Service Unavailable\r\nretry-after: 0", "204 No Content") as receiver,
            client_of(tmp_path, TRACEPARENT, notify_url=receiver.url, otlp_endpoint=collector.url) as client,
        ):
            run = await client.wait_for_run((await client.start_run("docs")).id)
            await receiver.wait_for(1)
            await redeliver(client)
            sent = [request.headers["traceparent"] for request in receiver.received]

    failed, delivered = attempts = [span for span in collector.spans if span.name == "NOTIFY ops"]
    assert {span.parent_span_id for span in attempts} == {collector.find("RUN docs").span_id}
    assert sent == [f"00-{TRACE_ID}-{span.span_id.hex()}-01" for span in attempts]
    assert [span.status.code for span in attempts] == [Status.STATUS_CODE_ERROR, Status.STATUS_CODE_UNSET]
    assert failed.status.message == "answered 503"
    assert attributes(delivered)["cicd.pipeline.run.id"] == str(run.id)


async def test_a_run_continues_the_trace_of_the_delivery_that_started_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITLAB", "correct horse")
    headers = {"x-gitlab-token": "correct horse", "traceparent": TRACEPARENT}
    with otlp_receiver() as collector:
        async with client_of(tmp_path, otlp_endpoint=collector.url) as client:
            async with httpx.AsyncClient(base_url=client.url, timeout=PATIENCE_SECONDS) as sender:
                refused = await sender.post("/hooks/broken/push", headers={**headers, "x-gitlab-token": "guessed"})
                started = await sender.post("/hooks/broken/push", headers=headers)
            await client.wait_for_run(started.json()["run_id"])

    assert (refused.status_code, started.status_code) == (401, 201)
    assert collector.find("RUN broken").trace_id.hex() == TRACE_ID
    assert collector.find("RUN broken").parent_span_id.hex() == SPAN_ID


async def test_a_webhook_has_no_trace_unless_it_is_configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    async with receiving() as receiver, client_of(tmp_path, TRACEPARENT, notify_url=receiver.url) as client:
        await client.wait_for_run((await client.start_run("docs")).id)
        (sent,) = await receiver.wait_for(1)

    assert "traceparent" not in sent.headers


async def test_a_failure_has_the_status_of_an_error(tmp_path: Path) -> None:
    with otlp_receiver() as collector:
        async with client_of(tmp_path, otlp_endpoint=collector.url) as client:
            await client.wait_for_run((await client.start_run("broken")).id)

    run, step, command = (collector.find(name) for name in ("RUN broken", "fail", "sh"))
    assert [span.status.code for span in (run, step, command)] == [Status.STATUS_CODE_ERROR] * 3
    assert run.kind == Span.SPAN_KIND_SERVER
    assert (attributes(run)["cicd.pipeline.result"], attributes(command)["process.exit.code"]) == ("failure", 3)
    assert "exit" in run.status.message


async def test_each_attempt_of_a_step_has_a_span(tmp_path: Path) -> None:
    with otlp_receiver() as collector:
        async with client_of(tmp_path, otlp_endpoint=collector.url) as client:
            await client.wait_for_run((await client.start_run("flaky")).id)

    steps = [attributes(span) for span in collector.spans if span.name == "fetch"]
    assert [(step["solorun.attempt"], step["cicd.pipeline.task.run.result"]) for step in steps] == [
        (1, "failure"),
        (2, "success"),
    ]
    assert attributes(collector.find("RUN flaky"))["cicd.pipeline.result"] == "success"


async def test_a_host_application_gets_the_spans_with_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)

    async with Solorun(tmp_path / "data", [SoloProject("host", [Function("work", work)])]) as solo:
        with trace.get_tracer("host").start_as_current_span("request"):
            run = await solo.manager.start_run("host")
        await solo.wait_for_run(run.id)
    provider.shutdown()

    spans = {span.name: span for span in exporter.get_finished_spans()}
    chain = [spans[name] for name in ("request", "RUN host", "work", "inner", "sh")]
    assert [span.parent and span.parent.span_id for span in chain[1:]] == [
        span.context and span.context.span_id for span in chain[:-1]
    ]


def work(step: FunctionContext) -> None:
    with trace.get_tracer("steps").start_as_current_span("inner"):
        step.run("sh", "-c", "true")


async def test_a_dead_collector_harms_nothing(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        async with client_of(tmp_path, otlp_endpoint=f"http://127.0.0.1:{closed.getsockname()[1]}") as client:
            run = await client.wait_for_run((await client.start_run("docs")).id)

    assert run.status == "completed"


async def test_commands_get_no_trace_unless_it_is_configured(tmp_path: Path) -> None:
    async with client_of(tmp_path, TRACEPARENT) as client:
        run = await client.wait_for_run((await client.start_run("docs")).id)
        lines = await lines_of(client, run.id)

    assert (run.status, lines["trace"], lines["span"]) == ("completed", "", "0" * 16)


def test_tracing_is_off_by_default() -> None:
    assert isinstance(open_tracing(Settings(Path("/data")), {}, owns_process=True), Untraced)


def test_without_the_packages_the_setting_is_an_error_and_the_variable_a_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "solorun.tracing.spans", None)
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}

    by_variable = open_tracing(Settings(Path("/data")), variables, owns_process=True)
    with pytest.raises(ConfigurationInvalid, match=r"pip install 'solorun\[otel\]'"):
        open_tracing(Settings(Path("/data"), otlp_endpoint="http://collector:4318"), {}, owns_process=True)

    assert isinstance(by_variable, Untraced)
    assert "pip install 'solorun[otel]'" in caplog.text
