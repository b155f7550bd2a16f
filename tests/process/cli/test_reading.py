"""Commands that read runs and logs."""

import re
from datetime import timedelta

import msgspec
import pytest

from solorun.outcome import StopEffect
from solorun.record import Level, LogPage, Record, Stream
from solorun.run import Artifact, Attempt, Cancel, LevelCounts, Run, RunStep, cancel_fields
from solorun.status import Status, StepStatus
from solorun.wire.encoding import encode_records
from solorun.wire.runs import ArtifactList, RunPage
from tests.fakes.command_line import COMPLETED, RUNNING, Solorun, answer, plain
from tests.fakes.scripted_service import (
    CREATED_AT,
    events,
    make_records,
    make_run,
)

RERUNS = RunPage((make_run(20), make_run(19)), None)
NO_RERUNS = answer(RunPage((), None))


async def test_runs_are_printed_as_a_table(solorun: Solorun) -> None:
    page = RunPage((COMPLETED, make_run(3, Status.FAILED)), None)

    ended = await solorun("runs", answers=(answer(page),))

    lines = ended.out.splitlines()
    created = ["CREATED", f"({CREATED_AT.astimezone():%Z})"]
    assert lines[0].split() == ["RUN", "PROJECT", "SCOPE", "STATUS", *created, "DURATION", "TRIGGERED", "BY"]
    assert lines[1].split()[:4] == ["17", "handbook", "full", "completed"]
    assert lines[1].index("handbook") == lines[2].index("handbook") == lines[0].index("PROJECT")


async def test_pages_of_runs_are_read_up_to_the_limit(solorun: Solorun) -> None:
    pages = answer(RunPage((COMPLETED,), "next")), answer(RunPage((make_run(3),), "more"))

    ended = await solorun("runs", "handbook", "-n", "2", "--status", "failed", "--json", answers=pages)

    assert [run["id"] for run in ended.documents] == [17, 3]
    assert [request.target.partition("?")[2] for request in ended.requests] == [
        "status=failed&limit=2",
        "status=failed&limit=1&cursor=next",
    ]


async def test_the_reruns_of_a_run_are_listed(solorun: Solorun) -> None:
    ended = await solorun("runs", "--rerun-of", "17", "--json", answers=(answer(RERUNS),))

    assert [run["id"] for run in ended.documents] == [20, 19]
    assert ended.requests[0].target == "/api/v1/runs?rerun_of=17&limit=20"


async def test_an_empty_list_prints_a_message(solorun: Solorun) -> None:
    ended = await solorun("runs", answers=(answer(RunPage((), None)),))

    assert ended.out == "No runs.\n"


def detailed_run() -> Run:
    return msgspec.structs.replace(
        RUNNING,
        params={"date": "today"},
        rerun_of=12,
        started_at=CREATED_AT,
        **cancel_fields(Cancel(CREATED_AT, "ada", "enough", 10)),
        current_step="extract",
        progress_current=3,
        progress_total=20,
        progress_item="pho\x1b[2Jton",
        last_seq=9,
        level_counts=LevelCounts(info=7, warning=1, error=1),
        first_error_seq=8,
        steps=(RunStep("extract", StepStatus.FAILED, CREATED_AT, CREATED_AT, 3, "exit code 3"), RunStep("generate")),
    )


async def test_show_prints_every_detail_of_a_run(solorun: Solorun) -> None:
    artifacts = ArtifactList((Artifact("out/a b.md", 12345, "text/markdown", CREATED_AT),), None, False)

    first_error = Record(8, CREATED_AT, Level.ERROR, "extract", Stream.STDERR, "no\x1b[2J space left")
    page = LogPage((first_error,), 9, more_before=True, more_after=True)
    answers = (answer(detailed_run()), answer(artifacts), answer(RERUNS), answer(page))

    ended = await solorun("show", "17", answers=answers)

    fields = {line[:14].strip(): line[14:].strip() for line in ended.out.split("\n\n")[0].splitlines()}
    assert fields["params"] == "date=today"
    assert (fields["rerun of"], fields["reruns"]) == ("12", "20, 19")
    assert ended.requests[2].target == "/api/v1/runs?rerun_of=17&limit=50"
    assert fields["progress"] == "3/20 photon"
    assert fields["cancel"] == f"requested {CREATED_AT.astimezone():%Y-%m-%d %H:%M:%S %Z} by ada: enough"
    assert fields["records"] == "9 (errors: 1, warnings: 1)"
    assert fields["first error"] == f"{CREATED_AT.astimezone():%H:%M:%S} extract   error: no space left"
    assert ended.requests[3].target == "/api/v1/runs/17/log?after=7&limit=1"
    assert "extract   failed   0.0 s     3     exit code 3" in ended.out
    base = f"http://{ended.requests[0].headers['host']}"
    assert fields["url"] == f"{base}/p/handbook/runs/17"
    assert f"out/a b.md  12.3 kB  text/markdown  {base}/api/v1/runs/17/artifacts/out/a%20b.md\n" in ended.out


async def test_show_prints_the_first_error_of_the_attempt_that_decided(solorun: Solorun) -> None:
    """That of a step or an attempt before did not end the run."""
    attempts = tuple(
        msgspec.structs.replace(_attempt(number, StepStatus.FAILED, 1, 3, "exit code 3"), first_seq=first_seq)
        for number, first_seq in ((1, 20), (2, 30))
    )
    steps = (RunStep("fetch", first_seq=1), RunStep("parse", StepStatus.FAILED, attempts=attempts, first_seq=20))
    run = msgspec.structs.replace(COMPLETED, status=Status.FAILED, first_error_seq=5, steps=steps)
    error = Record(33, CREATED_AT, Level.ERROR, "parse", Stream.STDERR, "no space left")
    page = LogPage((error,), 9, more_before=True, more_after=True)
    answers = (answer(run), answer(ArtifactList((), None, False)), NO_RERUNS, answer(page))

    ended = await solorun("show", "17", answers=(*answers, answer(LogPage((), 0, more_before=False, more_after=False))))

    assert ended.requests[3].target == "/api/v1/runs/17/log?after=29&limit=1&step=parse&level=error"
    assert re.search(
        "^first error .* parse .* error: no space left\nits log +solorun log 17 --step parse$", ended.out, re.M
    )


def _attempt(number: int, status: StepStatus, seconds: float, exit_code: int | None, error: str | None) -> Attempt:
    return Attempt(number, status, CREATED_AT, CREATED_AT + timedelta(seconds=seconds), exit_code, error)


async def test_show_lists_the_attempts_of_a_step(solorun: Solorun) -> None:
    waiting = RunStep(
        "extract",
        StepStatus.WAITING,
        started_at=CREATED_AT,
        max_attempts=3,
        attempts=(_attempt(1, StepStatus.FAILED, 2, 75, "busy"), _attempt(2, StepStatus.FAILED, 5, None, "timed out")),
        next_attempt_at=CREATED_AT + timedelta(seconds=60),
    )
    run = msgspec.structs.replace(RUNNING, steps=(waiting,))

    ended = await solorun("show", "17", answers=(answer(run), answer(ArtifactList((), None, False)), NO_RERUNS))

    lines = ended.out.splitlines()
    assert re.search(r"^extract +waiting .* next attempt 20\d\d-", lines[-3])
    assert [" ".join(line.split()) for line in lines[-2:]] == [
        "attempt 1 of 3 failed 2.0 s 75 busy",
        "attempt 2 of 3 failed 5.0 s timed out",
    ]


SIGNALLED = Cancel(CREATED_AT, "ada", "", 10, CREATED_AT, ("41 (sh build.sh)", "  42 (sl\x1b[2Jeep)"))


@pytest.mark.parametrize(
    ("cancel", "lines"),
    [
        (SIGNALLED, [r"work          signalled .* \(grace 10 s\)"]),
        (
            msgspec.structs.replace(SIGNALLED, effect=StopEffect.KILLED, settled_at=CREATED_AT + timedelta(seconds=10)),
            [r"work          was killed 10 s after the request \(grace 10 s\)"],
        ),
        (
            msgspec.structs.replace(SIGNALLED, effect=StopEffect.STOPPED, settled_at=CREATED_AT),
            [r"work          stopped \(grace 10 s\)"],
        ),
    ],
)
async def test_show_says_what_a_cancel_did_and_where_the_work_was(
    solorun: Solorun, cancel: Cancel, lines: list[str]
) -> None:
    run = msgspec.structs.replace(RUNNING, **cancel_fields(cancel))

    ended = await solorun("show", "17", answers=(answer(run), answer(ArtifactList((), None, False)), NO_RERUNS))

    position = [r"was at        41 \(sh build\.sh\)", r"                42 \(sleep\)"]
    assert re.search("\n".join([*lines, *position]), ended.out)


async def test_show_omits_empty_fields(solorun: Solorun) -> None:
    ended = await solorun("show", "17", answers=(answer(RUNNING), answer(ArtifactList((), None, False)), NO_RERUNS))

    assert "cancel" not in ended.out
    assert "ARTIFACT" not in ended.out


@pytest.mark.parametrize(
    ("truncated", "options", "note"),
    [
        (False, [], ""),
        (True, [], "The list ends after 3 artifacts. The run has more.\n"),
        (True, ["--json"], '{"note":"The list ends after 3 artifacts. The run has more."}\n'),
    ],
)
async def test_show_says_that_a_list_of_artifacts_is_cut(
    solorun: Solorun, truncated: bool, options: list[str], note: str
) -> None:
    first, second, third = (Artifact(name, 1, "text/plain", CREATED_AT) for name in "abc")
    pages = ArtifactList((first, second), "next", truncated), ArtifactList((third,), None, truncated)

    ended = await solorun("show", "17", *options, answers=(answer(RUNNING), *map(answer, pages), NO_RERUNS))

    assert (ended.code, ended.err) == (0, note)


async def test_show_prints_the_run_and_its_artifacts_as_json(solorun: Solorun) -> None:
    ended = await solorun(
        "show", "17", "--json", answers=(answer(RUNNING), answer(ArtifactList((), None, False)), NO_RERUNS)
    )

    assert ended.documents == [{**plain(RUNNING), "artifacts": [], "reruns": []}]


async def test_an_unfiltered_log_is_streamed(solorun: Solorun) -> None:
    stream = events(encode_records(make_records(1, 3)))

    ended = await solorun("log", "17", answers=(answer(RUNNING), stream))

    assert ended.requests[1].target == "/api/v1/runs/17/log.ndjson"
    _, *lines = ended.out.splitlines()
    assert [line[9:].strip() for line in lines] == [f"extract  line {seq}" for seq in (1, 2, 3)]


async def test_a_filtered_log_is_streamed(solorun: Solorun) -> None:
    stream = events(encode_records([*make_records(1, 2), *make_records(9, 9)]))

    ended = await solorun(
        "log", "17", "--level", "warning", "--step", "extract", "--stream", "stderr", "--search", "x", "--json",
        answers=(answer(detailed_run()), stream),
    )  # fmt: skip

    assert [record["seq"] for record in ended.documents] == [1, 2, 9]
    assert [request.target for request in ended.requests[1:]] == [
        "/api/v1/runs/17/log.ndjson?step=extract&stream=stderr&level=warning&q=x"
    ]


async def test_a_log_is_searched_with_options(solorun: Solorun) -> None:
    options = ("--search", "a+", "--match-case", "--whole-word", "--regex")

    ended = await solorun("log", "17", *options, answers=(answer(RUNNING), events(b"")))
    refused = await solorun("log", "17", "--whole-word")

    assert ended.requests[1].target == "/api/v1/runs/17/log.ndjson?q=a%2B&match_case=1&whole_word=1&regex=1"
    assert (refused.code, "requires --search." in refused.err) == (2, True)


async def test_an_unknown_step_is_refused_with_the_steps_of_the_run(solorun: Solorun) -> None:
    ended = await solorun("log", "17", "--step", "nope", answers=(answer(detailed_run()),))

    assert (ended.code, ended.out, len(ended.requests)) == (2, "", 1)
    assert "Run 17 has no such step. Its steps: extract, generate." in ended.err


async def test_a_filter_without_matches_prints_nothing(solorun: Solorun) -> None:
    ended = await solorun("log", "17", "--search", "x", answers=(answer(RUNNING), events(b"")))

    assert (ended.code, ended.out) == (0, "")


async def test_a_tail_is_read_backwards_and_printed_in_order(solorun: Solorun) -> None:
    pages = (
        answer(LogPage(tuple(make_records(1001, 2000)), 2000, more_before=True, more_after=False, next=1001)),
        answer(LogPage(tuple(make_records(901, 1000)), 2000, more_before=True, more_after=True, next=901)),
        answer(LogPage(tuple(make_records(501, 900)), 2000, more_before=True, more_after=True, next=501)),
    )

    ended = await solorun("log", "17", "-n", "1500", "--json", answers=(answer(RUNNING), *pages))

    assert [record["seq"] for record in ended.documents] == list(range(501, 2001))
    assert [request.target.partition("?")[2] for request in ended.requests[1:]] == [
        "limit=1000",
        "before=1001&limit=500",
        "before=901&limit=400",
    ]


async def test_a_tail_longer_than_the_log_prints_all_of_it(solorun: Solorun) -> None:
    page = answer(LogPage(tuple(make_records(1, 2)), 2, more_before=False, more_after=False))

    ended = await solorun("log", "17", "-n", "5", "--json", answers=(answer(RUNNING), page))

    assert [record["seq"] for record in ended.documents] == [1, 2]


async def test_a_log_is_sanitized_unless_raw(solorun: Solorun) -> None:
    hostile = Record(1, CREATED_AT, Level.INFO, "extract", Stream.STDOUT, "a\x1b]52;c;aGk=\x07b\x1b[31m")
    stream = events(encode_records([hostile]))

    safe = await solorun("log", "17", answers=(answer(RUNNING), stream))
    raw = await solorun("log", "17", "--raw", answers=(answer(RUNNING), stream))

    assert "\x1b" not in safe.out
    assert hostile.message in raw.out
