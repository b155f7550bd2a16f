"""`rerun`: its requests, its preview and its errors."""

import msgspec
import pytest
from msgspec.structs import asdict

from solorun.status import StepStatus
from solorun.wire.problems import ProblemFieldError
from solorun.wire.runs import RerunPreview, SkippedStep, StartedRun
from tests.fakes.command_line import COMPLETED, RUNNING, Solorun, answer, plain, problem
from tests.fakes.scripted_service import Response, cut, end_event, events, make_run

FAILED_STEP = SkippedStep("generate", 12, StepStatus.FAILED)
PREVIEW = RerunPreview(
    rerun_of=17,
    project="handbook",
    scope="from:publish",
    steps=("publish", "announce"),
    skipped=(SkippedStep("extract", 9, StepStatus.COMPLETED), FAILED_STEP, SkippedStep("review")),
    missing_params=("key", "token"),
    latest_run_id=20,
)
STARTED = StartedRun(**asdict(msgspec.structs.replace(make_run(18), rerun_of=17)))


async def test_rerun_tries_again_with_the_given_key(solorun: Solorun) -> None:
    answers = (answer(COMPLETED), cut, answer(STARTED, 201))

    ended = await solorun("rerun", "17", "--idempotency-key", "nightly", "--quiet", answers=answers)

    assert (ended.code, ended.out) == (0, "18\n")
    assert ended.err.endswith("Trying again…\n")
    assert [request.headers["idempotency-key"] for request in ended.requests[1:]] == ["nightly", "nightly"]


async def test_rerun_names_the_new_run_and_how_to_follow_it(solorun: Solorun) -> None:
    ended = await solorun("rerun", "17", answers=(answer(COMPLETED), answer(STARTED, 201)))

    assert ended.code == 0
    assert ended.out.splitlines()[0::2] == ["Started run 18 of handbook.", "  solorun follow 18"]
    assert [request.target for request in ended.requests] == ["/api/v1/runs/17", "/api/v1/runs/17/rerun"]
    assert msgspec.json.decode(ended.requests[1].body) == {
        "from": "start",
        "triggered_by": "cli",
        "params": {},
        "on_conflict": None,
    }


async def test_rerun_repeats_the_latest_run_of_a_project_from_a_step(solorun: Solorun) -> None:
    ended = await solorun(
        "rerun", "handbook", "--from", "failed", "--param", "edition=2", "--triggered-by", "ada", "--quiet",
        "--on-conflict", "queue",
        answers=(answer(COMPLETED), answer(msgspec.structs.replace(PREVIEW, latest_run_id=17)), answer(STARTED, 201)),
    )  # fmt: skip

    assert (ended.code, ended.out, ended.err) == (0, "18\n", "")
    assert ended.requests[0].target == "/api/v1/projects/handbook/runs/current"
    assert msgspec.json.decode(ended.requests[2].body) == {
        "from": "failed",
        "triggered_by": "ada",
        "params": {"edition": "2"},
        "on_conflict": "queue",
    }


async def test_a_rerun_on_results_that_a_newer_run_may_have_changed_says_so(solorun: Solorun) -> None:
    ended = await solorun(
        "rerun", "17", "--from", "failed", "--param", "edition=2", "--quiet",
        answers=(answer(COMPLETED), answer(PREVIEW), answer(STARTED, 201)),
    )  # fmt: skip

    assert (ended.code, ended.out) == (0, "18\n")
    assert ended.err == (
        "The results of skipped steps are in the project's workspace. Run 20 is newer and may have changed them.\n"
    )
    assert [request.target for request in ended.requests[1:]] == [
        "/api/v1/runs/17/rerun?preview=1",
        "/api/v1/runs/17/rerun",
    ]


@pytest.mark.parametrize(
    "preview",
    [
        msgspec.structs.replace(PREVIEW, latest_run_id=12),
        msgspec.structs.replace(PREVIEW, latest_run_id=18),  # The run itself: a repetition, or the run that it joined.
        msgspec.structs.replace(PREVIEW, skipped=()),
    ],
)
async def test_a_rerun_whose_results_no_other_run_may_have_changed_warns_of_nothing(
    solorun: Solorun, preview: RerunPreview
) -> None:
    answers = (answer(COMPLETED), answer(preview), answer(STARTED, 201))

    ended = await solorun("rerun", "17", "--from", "failed", answers=answers)

    assert (ended.code, ended.err) == (0, "")


async def test_rerun_follows_the_new_run_to_its_end(solorun: Solorun) -> None:
    done = msgspec.structs.replace(COMPLETED, id=18)

    ended = await solorun(
        "rerun", "17", "--follow", "--json",
        answers=(answer(COMPLETED), answer(STARTED, 201), answer(STARTED), events(end_event(done))),
    )  # fmt: skip

    assert ended.code == 0
    assert ended.documents[-1]["run"]["id"] == 18


async def test_a_followed_rerun_names_the_run_that_it_repeats(solorun: Solorun) -> None:
    done = msgspec.structs.replace(COMPLETED, id=18, rerun_of=17)

    ended = await solorun("follow", "18", answers=(answer(STARTED), events(end_event(done))))

    assert ended.out.startswith("Run 18 of handbook, rerun of run 17, scope full, triggered by ")


async def test_a_preview_shows_each_step_and_whose_results_it_builds_on(solorun: Solorun) -> None:
    ended = await solorun("rerun", "17", "--from", "publish", "--preview", answers=(answer(COMPLETED), answer(PREVIEW)))

    assert ended.code == 0
    assert ended.requests[1].target == "/api/v1/runs/17/rerun?preview=1"
    assert [line.rstrip() for line in ended.out.splitlines()] == [
        "A rerun of run 17 of handbook would have the scope from:publish.",
        "",
        "STEP      ACTION  RESULT",
        "extract   skip    completed in run 9",
        "generate  skip    failed in run 12",
        "review    skip    never executed",
        "publish   run",
        "announce  run",
        "",
        "It would use the project's workspace. The artifacts of run 17 are not copied.",
        "Run 20 is newer, and may have changed the workspace.",
        "Secret parameters are not kept. Enter them again: --secret key --secret token",
    ]


@pytest.mark.parametrize("latest_run_id", [17, 12])
async def test_a_preview_mentions_only_what_matters(solorun: Solorun, latest_run_id: int) -> None:
    preview = msgspec.structs.replace(PREVIEW, missing_params=(), latest_run_id=latest_run_id)

    ended = await solorun("rerun", "17", "--preview", answers=(answer(COMPLETED), answer(preview)))

    assert ended.out.endswith("The artifacts of run 17 are not copied.\n")


async def test_a_preview_names_the_workers_that_have_the_results(solorun: Solorun) -> None:
    preview = msgspec.structs.replace(PREVIEW, missing_params=(), results_on=("red-1", "blue-1"))

    ended = await solorun("rerun", "17", "--preview", answers=(answer(COMPLETED), answer(preview)))

    assert "The results of skipped steps are on the hosts of red-1, blue-1. Other workers lack them" in ended.out


async def test_a_preview_is_printed_as_json(solorun: Solorun) -> None:
    ended = await solorun("rerun", "17", "--preview", "--json", answers=(answer(COMPLETED), answer(PREVIEW)))

    assert ended.documents == [plain(PREVIEW)]


async def test_the_errors_of_a_rerun_name_its_options(solorun: Solorun) -> None:
    errors = (
        ProblemFieldError("/from", "run 17 has no failed step; its status is completed"),
        ProblemFieldError("/params/key", "is secret and was not kept by run 17; give it again"),
    )

    ended = await solorun("rerun", "17", answers=(answer(COMPLETED), problem("invalid-request", 422, errors=errors)))

    assert ended.code == 2
    assert ended.err.splitlines() == [
        "--from: run 17 has no failed step; its status is completed",
        "--param key: is secret and was not kept by run 17; give it again",
    ]


@pytest.mark.parametrize(
    ("refusal", "message"),
    [
        (problem("run-not-ended", 409, run=RUNNING), "Run 17 has not ended: it is running.\n"),
        (problem("run-active", 409, active_run=RUNNING), "handbook is busy: run 17 has been running"),
    ],
)
async def test_a_rerun_that_is_refused_is_a_conflict(solorun: Solorun, refusal: Response, message: str) -> None:
    ended = await solorun("rerun", "17", answers=(answer(RUNNING), refusal))

    assert ended.code == 3
    assert ended.err.startswith(message)
