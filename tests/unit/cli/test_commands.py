"""Commands against a scripted service: what they print, what they ask, how they exit."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from solorun.cli import main
from solorun.client.problems import MEDIA_TYPE
from solorun.errors import Fault, ServiceUnreachable
from solorun.record import Level, LogPage, Record, Stream
from solorun.run import Artifact, LevelCounts, Run, RunStep
from solorun.status import Status, StepStatus
from solorun.wire import ArtifactList, ProblemDetails, ProblemFault, RunPage, encode, encode_records
from tests.fakes.scripted_service import (
    CREATED_AT,
    Answer,
    Request,
    end_event,
    events,
    json_answer,
    make_records,
    make_run,
    records_event,
    scripted_service,
)


class Ended:
    """What a command left behind."""

    def __init__(self, code: int, out: str, err: str, requests: list[Request]) -> None:
        self.code = code
        self.out = out
        self.err = err
        self.requests = requests

    @property
    def documents(self) -> list[Any]:
        return [msgspec.json.decode(line) for line in self.out.splitlines()]


Solorun = Callable[..., Awaitable[Ended]]


@pytest.fixture
def solorun(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Solorun:
    """Runs a command line against a service that gives these answers."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("solorun.client.backoff.LONGEST_SECONDS", 0.01)

    async def run(*arguments: str, answers: tuple[Answer, ...] = ()) -> Ended:
        async with scripted_service(answers) as service:
            monkeypatch.setenv("SOLORUN_URL", service.url)
            code = await asyncio.to_thread(main, arguments)
        captured = capsys.readouterr()
        return Ended(code, captured.out, captured.err, service.requests)

    return run


def problem(slug: str, status: int, detail: str = "No.", **members: Any) -> Answer:
    details = ProblemDetails(f"/problems/{slug}", "Title", status, detail)
    return json_answer(encode(msgspec.structs.replace(details, **members)), status, MEDIA_TYPE)


def plain(value: object) -> Any:
    """The value as it stands on the wire."""
    return msgspec.json.decode(encode(value))


def answer(value: object, status: int = 200) -> Answer:
    return json_answer(encode(value), status)


RUNNING = make_run(17)
COMPLETED = make_run(17, Status.COMPLETED, last_seq=2)


# -- start


async def test_a_start_says_which_run_it_is_and_how_to_follow_it(solorun: Solorun) -> None:
    ended = await solorun("start", "handbook", answers=(answer(RUNNING, 201),))

    assert ended.code == 0
    assert ended.out == "Run 17 of handbook is running.\n  solorun follow 17\n"
    assert msgspec.json.decode(ended.requests[0].body)["triggered_by"] == "cli"


async def test_a_start_passes_scope_and_params(solorun: Solorun) -> None:
    ended = await solorun(
        "start", "handbook", "--scope", "from:review", "--param", "a=1=2", "--param", "b=", answers=(answer(RUNNING),)
    )

    assert msgspec.json.decode(ended.requests[0].body) == {
        "scope": "from:review",
        "triggered_by": "cli",
        "params": {"a": "1=2", "b": ""},
    }


@pytest.mark.parametrize("params", [["date"], ["=x"], ["a=1", "--param", "a=2"]])
async def test_a_param_that_is_none_is_a_fault_of_usage(solorun: Solorun, params: list[str]) -> None:
    ended = await solorun("start", "handbook", "--param", *params)

    assert ended.code == 2
    assert "--param" in ended.err
    assert ended.requests == []


async def test_a_start_as_json_is_the_run(solorun: Solorun) -> None:
    ended = await solorun("start", "handbook", "--json", answers=(answer(RUNNING, 201),))

    assert ended.documents == [plain(RUNNING)]


async def test_a_conflict_says_who_is_active_and_how_to_follow_it(solorun: Solorun) -> None:
    active = msgspec.structs.replace(RUNNING, triggered_by="nightly", cancel_requested_at=CREATED_AT)

    ended = await solorun("start", "handbook", answers=(problem("run-active", 409, active_run=active),))

    assert ended.code == 3
    assert ended.out == ""
    assert "handbook has an active run: 17" in ended.err
    assert "running, being cancelled, since" in ended.err
    assert "triggered by nightly" in ended.err
    assert "solorun follow 17\n  solorun cancel 17\n" in ended.err


async def test_faults_of_a_start_are_all_told(solorun: Solorun) -> None:
    faults = (ProblemFault("/scope", 'unknown; did you mean "full"?'), ProblemFault("/params/x", "not declared"))

    ended = await solorun("start", "handbook", answers=(problem("invalid-request", 422, errors=faults),))

    assert ended.code == 2
    assert ended.err.splitlines() == [str(Fault(fault.pointer, fault.message)) for fault in faults]


# -- follow


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (Status.COMPLETED, 0, "Run 17 completed"),
        (Status.FAILED, 1, "Run 17 failed: extract: exit code 3"),
        (Status.INTERRUPTED, 4, "Run 17 was interrupted: extract: exit code 3"),
        (Status.CANCELLED, 130, "Run 17 was cancelled"),
    ],
)
async def test_a_follow_exits_as_the_run_ended(solorun: Solorun, status: Status, code: int, words: str) -> None:
    run = msgspec.structs.replace(COMPLETED, status=status, error_message="extract: exit code 3")
    stream = events(records_event(1, 2), end_event(run))

    ended = await solorun("follow", "17", answers=(answer(RUNNING), stream))

    lines = ended.out.splitlines()
    assert ended.code == code
    assert lines[0] == "Run 17 of handbook, scope full, triggered by api"
    assert [line[9:].strip() for line in lines[1:3]] == ["extract  line 1", "extract  line 2"]
    assert lines[3].startswith(words)


async def test_a_start_can_be_followed_at_once(solorun: Solorun) -> None:
    stream = events(records_event(1, 2), end_event(COMPLETED))

    ended = await solorun("start", "handbook", "--follow", answers=(answer(RUNNING, 201), stream))

    assert ended.code == 0
    assert ended.out.splitlines()[-1] == "Run 17 completed"


async def test_a_follow_as_json_is_a_start_records_and_an_end(solorun: Solorun) -> None:
    stream = events(records_event(1, 2), end_event(COMPLETED))

    ended = await solorun("follow", "17", "--json", answers=(answer(RUNNING), stream))

    first, *records, last = ended.documents
    assert first == {"event": "start", "run": plain(RUNNING)}
    assert msgspec.convert(records, list[Record]) == make_records(1, 2)
    assert last == {"event": "end", "run": plain(COMPLETED)}


async def test_a_project_s_name_means_its_current_run(solorun: Solorun) -> None:
    ended = await solorun("follow", "handbook", answers=(answer(RUNNING), events(end_event(COMPLETED))))

    assert ended.requests[0].target == "/api/v1/projects/handbook/runs/current"
    assert ended.requests[1].target.startswith("/api/v1/runs/17/events")


async def test_a_lost_connection_is_told_once_on_stderr_and_made_again(solorun: Solorun) -> None:
    streams = (events(records_event(1, 1)), Answer(), events(records_event(2, 2), end_event(COMPLETED)))

    ended = await solorun("follow", "17", answers=(answer(RUNNING), *streams))

    assert ended.code == 0
    assert ended.out.count("line") == 2
    assert ended.err.count("Trying again.") == 1


async def test_a_follow_without_a_service_exits_at_once(solorun: Solorun) -> None:
    ended = await solorun("follow", "17")

    assert ended.code == 5
    assert "cannot be reached" in ended.err


# -- cancel


async def test_a_cancel_waits_until_the_run_has_ended(solorun: Solorun) -> None:
    cancelled = make_run(17, Status.CANCELLED)

    ended = await solorun(
        "cancel", "17", "--reason", "enough",
        answers=(answer(RUNNING), answer(RUNNING, 202), answer(RUNNING), events(end_event(cancelled))),
    )  # fmt: skip

    assert ended.code == 0
    assert ended.out == "Run 17 was cancelled\n"
    assert msgspec.json.decode(ended.requests[1].body) == {"reason": "enough", "requested_by": "cli"}


async def test_a_cancel_need_not_wait(solorun: Solorun) -> None:
    ended = await solorun("cancel", "17", "--no-wait", answers=(answer(RUNNING), answer(RUNNING, 202)))

    assert ended.code == 0
    assert ended.out == "Run 17 is asked to stop; it is running until its work has.\n"


async def test_a_cancel_that_came_too_late_says_how_the_run_ended(solorun: Solorun) -> None:
    ended = await solorun("cancel", "17", answers=(answer(RUNNING), answer(RUNNING, 202), answer(COMPLETED)))

    assert ended.code == 3
    assert ended.out == "Run 17 completed\n"


async def test_a_cancel_of_an_ended_run_is_a_conflict(solorun: Solorun) -> None:
    ended = await solorun("cancel", "17", answers=(answer(COMPLETED), problem("run-not-active", 409, run=COMPLETED)))

    assert ended.code == 3
    assert ended.err == "Run 17 is not active: it is completed.\n"


async def test_a_cancel_as_json_is_the_run(solorun: Solorun) -> None:
    ended = await solorun("cancel", "17", "--no-wait", "--json", answers=(answer(RUNNING), answer(RUNNING, 202)))

    assert ended.documents == [plain(RUNNING)]


# -- runs, show, log


async def test_runs_are_a_table_in_columns(solorun: Solorun) -> None:
    page = RunPage((COMPLETED, make_run(3, Status.FAILED)), None)

    ended = await solorun("runs", answers=(answer(page),))

    lines = ended.out.splitlines()
    assert lines[0].split() == ["RUN", "PROJECT", "SCOPE", "STATUS", "CREATED", "TOOK", "BY"]
    assert lines[1].split()[:4] == ["17", "handbook", "full", "completed"]
    assert lines[1].index("handbook") == lines[2].index("handbook") == lines[0].index("PROJECT")


async def test_runs_are_read_over_pages_up_to_the_limit(solorun: Solorun) -> None:
    pages = answer(RunPage((COMPLETED,), "next")), answer(RunPage((make_run(3),), "more"))

    ended = await solorun("runs", "handbook", "-n", "2", "--status", "failed", "--json", answers=pages)

    assert [run["id"] for run in ended.documents] == [17, 3]
    assert [request.target.partition("?")[2] for request in ended.requests] == [
        "status=failed&limit=2",
        "status=failed&limit=1&cursor=next",
    ]


async def test_no_runs_are_said_so(solorun: Solorun) -> None:
    ended = await solorun("runs", answers=(answer(RunPage((), None)),))

    assert ended.out == "No runs.\n"


def detailed_run() -> Run:
    return msgspec.structs.replace(
        RUNNING,
        params={"date": "today"},
        started_at=CREATED_AT,
        cancel_requested_at=CREATED_AT,
        cancel_requested_by="ada",
        cancel_reason="enough",
        current_step="extract",
        progress_current=3,
        progress_total=20,
        progress_item="pho\x1b[2Jton",
        last_seq=9,
        level_counts=LevelCounts(info=7, warning=1, error=1),
        first_error_seq=8,
        steps=(RunStep("extract", StepStatus.FAILED, CREATED_AT, CREATED_AT, 3, "exit code 3"), RunStep("generate")),
    )


async def test_show_tells_everything_known_of_a_run(solorun: Solorun) -> None:
    artifacts = ArtifactList((Artifact("glossary.md", 12345, "text/markdown", CREATED_AT),))

    ended = await solorun("show", "17", answers=(answer(detailed_run()), answer(artifacts)))

    facts = {line[:14].strip(): line[14:].strip() for line in ended.out.split("\n\n")[0].splitlines()}
    assert facts["params"] == "date=today"
    assert facts["progress"] == "3/20 photon"
    assert facts["cancel"].endswith("by ada: enough")
    assert facts["records"] == "9 (1 errors, 1 warnings)"
    assert facts["first error"] == "record 8"
    assert "extract   failed   0.0 s  3     exit code 3" in ended.out
    assert "glossary.md  12.3 kB  text/markdown" in ended.out


async def test_show_leaves_out_what_is_not_there(solorun: Solorun) -> None:
    ended = await solorun("show", "17", answers=(answer(RUNNING), answer(ArtifactList(()))))

    assert "cancel" not in ended.out
    assert "ARTIFACT" not in ended.out


async def test_show_as_json_is_the_run_with_its_artifacts(solorun: Solorun) -> None:
    ended = await solorun("show", "17", "--json", answers=(answer(RUNNING), answer(ArtifactList(()))))

    assert ended.documents == [{**plain(RUNNING), "artifacts": []}]


async def test_a_whole_log_is_streamed(solorun: Solorun) -> None:
    stream = events(encode_records(make_records(1, 3)))

    ended = await solorun("log", "17", answers=(answer(RUNNING), stream))

    assert ended.requests[1].target == "/api/v1/runs/17/log.ndjson"
    assert [line[9:].strip() for line in ended.out.splitlines()] == [f"extract  line {seq}" for seq in (1, 2, 3)]


async def test_a_filtered_log_is_read_page_by_page(solorun: Solorun) -> None:
    pages = (
        answer(LogPage(tuple(make_records(1, 2)), 3, more_before=False, more_after=True)),
        answer(LogPage(tuple(make_records(9, 9)), 3, more_before=True, more_after=False)),
    )

    ended = await solorun(
        "log", "17", "--level", "warning", "--step", "extract", "--search", "x", "--json",
        answers=(answer(RUNNING), *pages),
    )  # fmt: skip

    assert [record["seq"] for record in ended.documents] == [1, 2, 9]
    assert [request.target.partition("?")[2] for request in ended.requests[1:]] == [
        "after=0&limit=1000&step=extract&level=warning&q=x",
        "after=2&limit=1000&step=extract&level=warning&q=x",
    ]


async def test_a_filter_that_lets_nothing_through_prints_nothing(solorun: Solorun) -> None:
    nothing = answer(LogPage((), 0, more_before=False, more_after=False))

    ended = await solorun("log", "17", "--search", "x", answers=(answer(RUNNING), nothing))

    assert (ended.code, ended.out) == (0, "")


async def test_a_tail_is_read_backwards_and_printed_forwards(solorun: Solorun) -> None:
    pages = (
        answer(LogPage(tuple(make_records(1001, 2000)), 2000, more_before=True, more_after=False)),
        answer(LogPage(tuple(make_records(501, 1000)), 2000, more_before=True, more_after=True)),
    )

    ended = await solorun("log", "17", "-n", "1500", "--json", answers=(answer(RUNNING), *pages))

    assert [record["seq"] for record in ended.documents] == list(range(501, 2001))
    assert [request.target.partition("?")[2] for request in ended.requests[1:]] == [
        "limit=1000",
        "before=1001&limit=500",
    ]


async def test_a_tail_longer_than_the_log_is_all_of_it(solorun: Solorun) -> None:
    page = answer(LogPage(tuple(make_records(1, 2)), 2, more_before=False, more_after=False))

    ended = await solorun("log", "17", "-n", "5", "--json", answers=(answer(RUNNING), page))

    assert [record["seq"] for record in ended.documents] == [1, 2]


async def test_a_log_is_harmless_unless_it_is_wanted_raw(solorun: Solorun) -> None:
    hostile = Record(1, CREATED_AT, Level.INFO, "extract", Stream.STDOUT, "a\x1b]52;c;aGk=\x07b\x1b[31m")
    stream = events(encode_records([hostile]))

    safe = await solorun("log", "17", answers=(answer(RUNNING), stream))
    raw = await solorun("log", "17", "--raw", answers=(answer(RUNNING), stream))

    assert "\x1b" not in safe.out
    assert hostile.message in raw.out


# -- what all have in common


@pytest.mark.parametrize(
    ("refusal", "code", "words"),
    [
        (problem("project-not-found", 404, "There is no project x."), 6, "There is no project x."),
        (problem("run-not-found", 404), 6, "No."),
        (problem("unauthorized", 401), 2, "SOLORUN_TOKEN"),
        (problem("draining", 503), 5, "No."),
        (problem("internal", 500), 1, "No."),
        (json_answer(b"hi", 200, "text/html"), 5, "not by a Solorun service"),
        (problem("run-not-found", 404, "a\x1b[2Jb"), 6, "ab"),
    ],
)
async def test_an_error_is_one_sentence_and_an_exit_code(
    solorun: Solorun, refusal: Answer, code: int, words: str
) -> None:
    ended = await solorun("show", "x", answers=(refusal,))

    assert ended.code == code
    assert ended.out == ""
    assert words in ended.err
    assert "Traceback" not in ended.err


async def test_an_id_that_no_run_can_have_is_not_found(solorun: Solorun) -> None:
    ended = await solorun("show", "9" * 30)

    assert ended.code == 6
    assert ended.requests == []


async def test_a_url_that_is_none_is_a_fault_of_usage(solorun: Solorun) -> None:
    ended = await solorun("runs", "--url", "runs.example.org")

    assert ended.code == 2
    assert "http://127.0.0.1:8700" in ended.err


async def test_the_token_comes_from_the_environment_or_a_file(
    solorun: Solorun, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("from-the-file\n")
    monkeypatch.setenv("SOLORUN_TOKEN", "from-the-environment")
    nothing = answer(RunPage((), None))

    from_environment = await solorun("runs", answers=(nothing,))
    from_file = await solorun("runs", "--token-file", "token", answers=(nothing,))

    assert from_environment.requests[0].headers["authorization"] == "Bearer from-the-environment"
    assert from_file.requests[0].headers["authorization"] == "Bearer from-the-file"


async def test_a_token_file_that_is_not_there_is_a_fault_of_usage(solorun: Solorun) -> None:
    ended = await solorun("runs", "--token-file", "nowhere")

    assert ended.code == 2
    assert ended.err == "No such file or directory: nowhere\n"


async def test_an_unknown_command_suggests_the_nearest(solorun: Solorun) -> None:
    ended = await solorun("folow", "17")

    assert ended.code == 2
    assert "follow" in ended.err


async def test_the_version_is_printed(solorun: Solorun) -> None:
    ended = await solorun("--version")

    assert (ended.code, ended.out.split()[0]) == (0, "solorun")


def test_an_error_without_words_of_its_own_has_those_of_its_kind() -> None:
    assert ServiceUnreachable().message == "The service cannot be reached."
