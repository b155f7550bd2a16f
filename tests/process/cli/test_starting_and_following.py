"""`start`, `follow` and `wait`: their output, requests and exit codes."""

import re
from datetime import timedelta

import msgspec
import pytest
from msgspec.structs import asdict

from solorun.outcome import StopEffect
from solorun.record import Record
from solorun.run import Cancel, cancel_fields
from solorun.status import Status
from solorun.wire.problems import ProblemFieldError
from solorun.wire.runs import StartedRun
from tests.fakes.command_line import COMPLETED, RUNNING, Solorun, answer, plain, problem
from tests.fakes.scripted_service import (
    CREATED_AT,
    Response,
    cut,
    end_event,
    events,
    make_records,
    make_run,
    records_event,
)

# -- start


async def test_start_says_that_the_run_uses_an_earlier_configuration(solorun: Solorun) -> None:
    started = StartedRun(**asdict(RUNNING), configuration_faults=("projects.a.steps: is missing",))

    ended = await solorun("start", "handbook", "--quiet", answers=(answer(started, 201),))

    assert (ended.code, ended.out) == (0, "17\n")
    assert ended.err == ("solorun.toml is invalid, and the run uses an earlier version: projects.a.steps: is missing\n")


async def test_start_names_the_run_and_how_to_follow_it(solorun: Solorun) -> None:
    ended = await solorun("start", "handbook", answers=(answer(RUNNING, 201),))

    assert ended.code == 0
    assert ended.out.splitlines() == [
        "Started run 17 of handbook.",
        f"  http://{ended.requests[0].headers['host']}/p/handbook/runs/17",
        "  solorun follow 17",
    ]
    assert msgspec.json.decode(ended.requests[0].body)["triggered_by"] == "cli"


async def test_start_sends_scope_and_params(solorun: Solorun) -> None:
    ended = await solorun(
        "start", "handbook", "--scope", "from:review", "--param", "a=1=2", "--param", "b=", answers=(answer(RUNNING),)
    )

    assert msgspec.json.decode(ended.requests[0].body) == {
        "scope": "from:review",
        "triggered_by": "cli",
        "params": {"a": "1=2", "b": ""},
        "on_conflict": None,
    }


async def test_start_tries_again_with_the_same_key_and_says_so(solorun: Solorun) -> None:
    ended = await solorun("start", "handbook", "--quiet", answers=(cut, cut, answer(RUNNING, 201)))

    assert (ended.code, ended.out) == (0, "17\n")
    assert ended.err.count("Trying again…") == 1
    assert len({request.headers["idempotency-key"] for request in ended.requests}) == 1


async def test_start_sends_the_given_key_and_says_that_it_has_started_the_run(solorun: Solorun) -> None:
    replayed = StartedRun(**asdict(COMPLETED), replayed=True)

    ended = await solorun("start", "handbook", "--idempotency-key", "nightly-7", answers=(answer(replayed, 201),))

    assert ended.requests[0].headers["idempotency-key"] == "nightly-7"
    assert ended.out.splitlines()[0] == "Run 17 of handbook was already started; it is completed."


async def test_a_malformed_key_is_a_usage_error(solorun: Solorun) -> None:
    ended = await solorun("start", "handbook", "--idempotency-key", "two words", answers=())

    assert (ended.code, ended.out, ended.requests) == (2, "", [])
    assert ended.err.startswith("Idempotency-Key: must be 1 to 255 visible ASCII characters")


@pytest.mark.parametrize("params", [["date"], ["=x"]])
async def test_a_malformed_param_is_a_usage_error(solorun: Solorun, params: list[str]) -> None:
    ended = await solorun("start", "handbook", "--param", *params)

    assert ended.code == 2
    assert "--param" in ended.err
    assert ended.requests == []


async def test_start_prints_the_run_as_json(solorun: Solorun) -> None:
    ended = await solorun("start", "handbook", "--json", answers=(answer(RUNNING, 201),))

    assert ended.documents == [plain(StartedRun(**asdict(RUNNING)))]


async def test_a_conflict_names_the_active_run_and_how_to_follow_it(solorun: Solorun) -> None:
    active = msgspec.structs.replace(RUNNING, triggered_by="nightly", cancel_requested_at=CREATED_AT)

    ended = await solorun("start", "handbook", answers=(problem("run-active", 409, active_run=active),))

    assert ended.code == 3
    assert ended.out == ""
    assert re.fullmatch(
        r"handbook is busy: run 17 has been running for [\w ]+ and is being cancelled \(started by nightly\)\.\n"
        r"  solorun follow 17\n  solorun cancel 17\n",
        ended.err,
    )


async def test_every_error_of_a_start_is_printed(solorun: Solorun) -> None:
    errors = (
        ProblemFieldError("/scope", 'unknown; did you mean "full"?'),
        ProblemFieldError("/params/a~1b", "not declared"),
        ProblemFieldError("/triggered_by", "too long"),
    )

    ended = await solorun("start", "handbook", answers=(problem("invalid-request", 422, errors=errors),))

    assert ended.code == 2
    assert ended.err.splitlines() == [
        '--scope: unknown; did you mean "full"?',
        "--param a/b: not declared",
        "--triggered-by: too long",
    ]


async def test_start_can_print_only_the_id(solorun: Solorun) -> None:
    ended = await solorun("start", "handbook", "--quiet", answers=(answer(RUNNING, 201),))

    assert (ended.code, ended.out, ended.err) == (0, "17\n", "")


@pytest.mark.parametrize("other", ["--follow", "--json"])
async def test_quiet_excludes_other_output(solorun: Solorun, other: str) -> None:
    ended = await solorun("start", "handbook", "--quiet", other)

    assert (ended.code, ended.requests) == (2, [])
    assert other in ended.err


# -- follow


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (Status.COMPLETED, 0, "Run 17 completed"),
        (Status.FAILED, 1, "Run 17 failed: extract: exit code 3"),
        (Status.INTERRUPTED, 4, "Run 17 was interrupted: extract: exit code 3"),
        (Status.CANCELLED, 130, "Run 17 was cancelled"),
    ],
)
async def test_follow_exits_with_the_code_of_the_run(solorun: Solorun, status: Status, code: int, message: str) -> None:
    run = msgspec.structs.replace(COMPLETED, status=status, error_message="extract: exit code 3")
    stream = events(records_event(1, 2), end_event(run))

    ended = await solorun("follow", "17", answers=(answer(RUNNING), stream))

    lines = ended.out.splitlines()
    assert ended.code == code
    assert lines[0] == "Run 17 of handbook, scope full, triggered by api"
    assert lines[1] == f"{CREATED_AT.astimezone():%Y-%m-%d}"
    assert [line[9:].strip() for line in lines[2:4]] == ["extract  line 1", "extract  line 2"]
    assert lines[4].startswith(message)


async def test_start_can_follow_the_run(solorun: Solorun) -> None:
    stream = events(records_event(1, 2), end_event(COMPLETED))

    ended = await solorun("start", "handbook", "--follow", answers=(answer(RUNNING, 201), stream))

    assert ended.code == 0
    assert ended.out.splitlines()[-1] == "Run 17 completed"


async def test_follow_prints_start_records_and_end_as_json(solorun: Solorun) -> None:
    stream = events(records_event(1, 2), end_event(COMPLETED))

    ended = await solorun("follow", "17", "--json", answers=(answer(RUNNING), stream))

    first, *records, last = ended.documents
    assert first == {"event": "start", "run": plain(RUNNING)}
    assert msgspec.convert(records, list[Record]) == make_records(1, 2)
    assert last == {"event": "end", "run": plain(COMPLETED)}


async def test_a_project_name_means_its_current_run(solorun: Solorun) -> None:
    ended = await solorun("follow", "handbook", answers=(answer(RUNNING), events(end_event(COMPLETED))))

    assert ended.requests[0].target == "/api/v1/projects/handbook/runs/current"
    assert ended.requests[1].target.startswith("/api/v1/runs/17/events")


async def test_a_lost_connection_is_reported_once_and_restored(solorun: Solorun) -> None:
    streams = (events(records_event(1, 1)), Response(), events(records_event(2, 2), end_event(COMPLETED)))

    ended = await solorun("follow", "17", answers=(answer(RUNNING), *streams))

    assert ended.code == 0
    assert ended.out.count("line") == 2
    assert ended.err.count("Reconnecting…") == 1


async def test_follow_without_a_service_exits_immediately(solorun: Solorun) -> None:
    ended = await solorun("follow", "17")

    assert ended.code == 5
    assert "cannot be reached" in ended.err


@pytest.mark.parametrize(
    ("effect", "seconds", "ending"),
    [
        (StopEffect.STOPPED, 0.04, "9.0 s"),
        (StopEffect.STOPPED, 0.24, "9.2 s; it stopped 0.2 s after the request"),
        (StopEffect.KILLED, 0.04, "9.0 s; it was killed"),
        (StopEffect.KILLED, 10, "19 s; it was killed 10 s after the request"),
        (StopEffect.IGNORED, 34, "43 s; it ignored the cancel and ended 34 s after the request"),
        (None, 0, "9.0 s"),
    ],
)
async def test_a_cancelled_run_says_how_long_it_ran_and_how_it_stopped(
    solorun: Solorun, effect: StopEffect | None, seconds: float, ending: str
) -> None:
    requested_at = CREATED_AT + timedelta(seconds=9)
    signalled_at = requested_at if effect else None
    cancel = Cancel(
        requested_at, "cli", "enough", 10, signalled_at, (), effect, requested_at + timedelta(seconds=seconds)
    )
    run = msgspec.structs.replace(
        make_run(17, Status.CANCELLED), started_at=CREATED_AT, finished_at=cancel.settled_at, **cancel_fields(cancel)
    )

    followed = await solorun("follow", "17", answers=(answer(RUNNING), events(end_event(run))))

    assert followed.out.splitlines()[-1] == f"Run 17 was cancelled after {ending}"


# -- wait


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (Status.COMPLETED, 0, "Run 17 completed"),
        (Status.FAILED, 1, "Run 17 failed: extract: exit code 3"),
        (Status.INTERRUPTED, 4, "Run 17 was interrupted: extract: exit code 3"),
        (Status.CANCELLED, 130, "Run 17 was cancelled"),
    ],
)
async def test_wait_prints_the_end_and_exits_with_the_code_of_the_run(
    solorun: Solorun, status: Status, code: int, message: str
) -> None:
    run = msgspec.structs.replace(COMPLETED, status=status, error_message="extract: exit code 3")

    ended = await solorun("wait", "17", answers=(answer(RUNNING), answer(RUNNING), events(end_event(run))))

    assert ended.code == code
    assert ended.out.startswith(message)
    assert len(ended.out.splitlines()) == 1


async def test_wait_prints_the_run_as_json(solorun: Solorun) -> None:
    ended = await solorun("wait", "handbook", "--json", answers=(answer(COMPLETED), answer(COMPLETED)))

    assert (ended.code, ended.documents) == (0, [plain(COMPLETED)])


@pytest.mark.parametrize(
    ("variable", "header"),
    [
        ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",) * 2,
        ("not a trace\n", None),
    ],
)
async def test_start_passes_on_the_trace_of_its_environment(
    solorun: Solorun, monkeypatch: pytest.MonkeyPatch, variable: str, header: str | None
) -> None:
    monkeypatch.setenv("TRACEPARENT", variable)

    ended = await solorun("start", "handbook", "--quiet", answers=(answer(StartedRun(**asdict(RUNNING)), 201),))

    assert ended.requests[0].headers.get("traceparent") == header
