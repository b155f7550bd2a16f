"""Every method of the client: the request it sends, and the value it returns."""

import gzip
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import asdict

from solorun.client import RunClient, sse, transport
from solorun.client.problems import MEDIA_TYPE
from solorun.errors import RunActive, ServiceUnreachable
from solorun.record import Event, Level, LogPage, Stream
from solorun.run import Artifact, Run
from solorun.status import Status, StepStatus
from solorun.wire.encoding import encode, encode_records
from solorun.wire.problems import ProblemDetails
from solorun.wire.projects import ProjectList, ProjectSummary
from solorun.wire.runs import ArtifactList, PrunedProject, PruneReport, RerunPreview, RunPage, SkippedStep, StartedRun
from tests.fakes.scripted_service import (
    CREATED_AT,
    Response,
    events,
    json_response,
    make_records,
    make_run,
    scripted_service,
)

RUN = make_run(17)
STARTED = StartedRun(**asdict(RUN), configuration_faults=("projects.a: unknown key",))
PROJECT = ProjectSummary("handbook", "Handbook", (), ("full",), (), None, None)
PREVIEW = RerunPreview(17, "handbook", "from:b", ("b",), (SkippedStep("a", 17, StepStatus.COMPLETED),), ("key",), 18)
REPORT = PruneReport(True, 2, 1000, (PrunedProject("handbook", 2, 1000),))
PAGE = LogPage(tuple(make_records(1, 2)), 2, more_before=False, more_after=False)


@pytest.mark.parametrize(
    ("call", "answer", "result", "request_line"),
    [
        pytest.param(lambda c: c.start_run("handbook"), STARTED, STARTED, "POST /projects/handbook/runs", id="start"),
        pytest.param(lambda c: c.rerun(17), STARTED, STARTED, "POST /runs/17/rerun", id="rerun"),
        pytest.param(lambda c: c.preview_rerun(17), PREVIEW, PREVIEW, "POST /runs/17/rerun?preview=1", id="preview"),
        pytest.param(
            lambda c: c.list_run_page(rerun_of=17), RunPage((RUN,), None), RunPage((RUN,), None),
            "GET /runs?rerun_of=17", id="reruns",
        ),
        pytest.param(lambda c: c.cancel_run(17), RUN, RUN, "POST /runs/17/cancel", id="cancel"),
        pytest.param(lambda c: c.set_pinned(17, True), RUN, RUN, "POST /runs/17/pin", id="pin"),
        pytest.param(lambda c: c.set_pinned(17, False), RUN, RUN, "DELETE /runs/17/pin", id="unpin"),
        pytest.param(lambda c: c.prune(), REPORT, REPORT, "POST /prune?dry_run=0", id="prune"),
        pytest.param(
            lambda c: c.prune("handbook", dry_run=True), REPORT, REPORT, "POST /prune?project=handbook&dry_run=1",
            id="dry run",
        ),
        pytest.param(lambda c: c.get_run(17), RUN, RUN, "GET /runs/17", id="run"),
        pytest.param(lambda c: c.get_current_run("a/b?"), RUN, RUN, "GET /projects/a%2Fb%3F/runs/current", id="now"),
        pytest.param(lambda c: c.get_project("handbook"), PROJECT, PROJECT, "GET /projects/handbook", id="project"),
        pytest.param(
            lambda c: c.list_projects(), ProjectList((PROJECT,), ()), ProjectList((PROJECT,), ()), "GET /projects",
            id="projects",
        ),
        pytest.param(
            lambda c: c.list_run_page(statuses=[Status.FAILED, Status.RUNNING], limit=3, cursor="x"),
            RunPage((RUN,), None), RunPage((RUN,), None), "GET /runs?status=failed&status=running&limit=3&cursor=x",
            id="runs",
        ),
        pytest.param(
            lambda c: c.list_run_page("handbook"), RunPage((), None), RunPage((), None), "GET /projects/handbook/runs",
            id="runs of a project",
        ),
        pytest.param(
            lambda c: c.get_log_page(
                17, after=0, limit=9, step="extract", stream=Stream.STDERR, level=Level.WARNING, text="a&b"
            ),
            PAGE, PAGE, "GET /runs/17/log?after=0&limit=9&step=extract&stream=stderr&level=warning&q=a%26b",
            id="log page",
        ),
        pytest.param(
            lambda c: c.get_log_page(17, events=[Event.STEP, Event.ARTIFACT]),
            PAGE, PAGE, "GET /runs/17/log?event=step&event=artifact",
            id="log page of events",
        ),
        pytest.param(
            lambda c: c.get_log_page(17, scan=50, context=9, text="a+", match_case=False, regex=True),
            PAGE, PAGE, "GET /runs/17/log?scan=50&context=9&q=a%2B&regex=1",
            id="log page of an expression",
        ),
        pytest.param(
            lambda c: c.list_artifacts(17), ArtifactList((Artifact("a", 1, "text/plain", CREATED_AT),), None, False),
            ArtifactList((Artifact("a", 1, "text/plain", CREATED_AT),), None, False), "GET /runs/17/artifacts",
            id="artifacts",
        ),
    ],
)  # fmt: skip
async def test_each_method_sends_its_request_and_returns_the_decoded_response(
    call: Callable[[RunClient], Awaitable[object]], answer: object, result: object, request_line: str
) -> None:
    async with scripted_service([json_response(encode(answer))]) as service, RunClient(service.url) as client:
        value = await call(client)

    request = service.requests[0]
    assert value == result
    assert f"{request.method} {request.target}" == request_line.replace(" ", " /api/v1", 1)


async def test_a_start_sends_its_arguments() -> None:
    async with scripted_service([json_response(encode(RUN), 201)]) as service, RunClient(service.url) as client:
        await client.start_run("handbook", scope="from:review", triggered_by="nightly", params={"date": "today"})

    assert msgspec.json.decode(service.requests[0].body) == {
        "scope": "from:review",
        "triggered_by": "nightly",
        "params": {"date": "today"},
        "on_conflict": None,
    }
    assert service.requests[0].headers["content-type"] == "application/json"


async def test_a_cancel_sends_the_requester_and_the_reason() -> None:
    async with scripted_service([json_response(encode(RUN), 202)]) as service, RunClient(service.url) as client:
        await client.cancel_run(17, reason="enough", requested_by="cli")

    assert msgspec.json.decode(service.requests[0].body) == {"reason": "enough", "requested_by": "cli"}


async def test_a_problem_is_raised_as_its_error() -> None:
    body = encode(ProblemDetails("/problems/run-active", "Run active", 409, "It is.", active_run=RUN))
    answer = json_response(body, 409, MEDIA_TYPE, headers=("Retry-After: 7",))

    async with scripted_service([answer]) as service, RunClient(service.url) as client:
        with pytest.raises(RunActive) as raised:
            await client.start_run("handbook")

    assert raised.value.active_run == RUN
    assert raised.value.retry_after_seconds == 7


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(json_response(b"<h1>It works!</h1>", media_type="text/html"), id="a page of another program"),
        pytest.param(json_response(b"", 301, "", headers=("Location: /elsewhere",)), id="a redirect"),
        pytest.param(json_response(b"Not Found", 404, "text/plain"), id="another program's 404"),
    ],
)
async def test_a_response_of_another_program_is_recognized(answer: Response) -> None:
    async with scripted_service([answer]) as service, RunClient(service.url) as client:
        with pytest.raises(ServiceUnreachable, match="not from a Solorun service"):
            await client.get_run(17)


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'{"id": "x"}', b'"\xff"', b"[" * 100_000, b'{"id": 1' + b"0" * 5000 + b"}"]
)
async def test_an_answer_that_is_not_the_expected_json_is_unreachable(body: bytes) -> None:
    async with scripted_service([json_response(body)] * 2) as service, RunClient(service.url) as client:
        with pytest.raises(ServiceUnreachable, match="that this client cannot read"):
            await client.get_run(17)
        with pytest.raises(ServiceUnreachable, match="that this client cannot read"):
            await client.list_projects()


@pytest.mark.parametrize("status", [200, 500])
async def test_an_answer_that_never_ends_is_unreachable(monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    monkeypatch.setattr(transport, "MAX_ANSWER_BYTES", 1_000_000)
    answer = json_response(gzip.compress(encode(RUN) + b" " * 10_000_000), status, headers=("Content-Encoding: gzip",))
    async with scripted_service([answer]) as service, RunClient(service.url) as client:
        with pytest.raises(ServiceUnreachable, match="that this client cannot read"):
            await client.get_run(17)


async def test_an_event_that_never_ends_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_EVENT_BYTES", 1_000_000)
    async with scripted_service([events(b": a\n" * 300_000)]) as service, RunClient(service.url) as client:
        with pytest.raises(ServiceUnreachable, match="that this client cannot read"):
            _ = [batch async for batch in client.follow(17)]


async def test_a_line_of_a_log_that_never_ends_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "MAX_ANSWER_BYTES", 1_000_000)
    answer = events(b'{"message": "' + b"x" * 2_000_000)
    async with scripted_service([answer]) as service, RunClient(service.url) as client:
        with pytest.raises(ServiceUnreachable, match="that this client cannot read"):
            _ = [batch async for batch in client.stream_log(17)]


async def test_a_log_that_is_not_json_is_unreachable() -> None:
    async with scripted_service([events(b"{}\n")]) as service, RunClient(service.url) as client:
        with pytest.raises(ServiceUnreachable, match="that this client cannot read"):
            _ = [batch async for batch in client.stream_log(17)]


async def test_all_runs_are_read_page_by_page() -> None:
    runs = [make_run(run_id) for run_id in (5, 4, 3, 2, 1)]
    pages = [
        json_response(encode(RunPage(tuple(runs[:2]), "a"))),
        json_response(encode(RunPage(tuple(runs[2:4]), "b"))),
        json_response(encode(RunPage(tuple(runs[4:]), None))),
    ]

    async with scripted_service(pages) as service, RunClient(service.url) as client:
        found: list[Run] = [run async for run in client.list_runs(page_size=2)]

    assert found == runs
    assert [request.target.partition("?")[2] for request in service.requests] == [
        "limit=2",
        "limit=2&cursor=a",
        "limit=2&cursor=b",
    ]


async def test_a_log_is_decoded_however_its_chunks_are_cut() -> None:
    ndjson = encode_records(make_records(1, 50))
    chunks = [ndjson[index : index + 37] for index in range(0, len(ndjson), 37)]

    async with scripted_service([events(*chunks)]) as service, RunClient(service.url) as client:
        records = [record async for batch in client.stream_log(17) for record in batch]

    assert records == make_records(1, 50)


async def test_a_log_can_be_streamed_with_filters() -> None:
    async with scripted_service([events(b"")]) as service, RunClient(service.url) as client:
        stream = client.stream_log(17, step="extract", level=Level.WARNING, text="a&b", events=[Event.STEP])
        assert [batch async for batch in stream] == []

    assert service.requests[0].target == "/api/v1/runs/17/log.ndjson?step=extract&level=warning&q=a%26b&event=step"


async def test_an_artifact_is_downloaded(tmp_path: Path) -> None:
    async with scripted_service([events(b"one ", b"two")]) as service, RunClient(service.url) as client:
        await client.download_artifact(17, "dir/a b.txt", tmp_path / "a.txt")

    assert (tmp_path / "a.txt").read_bytes() == b"one two"
    assert service.requests[0].target == "/api/v1/runs/17/artifacts/dir/a%20b.txt"


async def test_an_incomplete_download_leaves_no_file(tmp_path: Path) -> None:
    answer = json_response(b"one")
    broken = Response((answer.chunks[0].replace(b"Content-Length: 3", b"Content-Length: 30"),))

    async with scripted_service([broken]) as service, RunClient(service.url) as client:
        with pytest.raises(ServiceUnreachable):
            await client.download_artifact(17, "a.txt", tmp_path / "a.txt")

    assert list(tmp_path.iterdir()) == []
