"""Commands that show, pause and resume schedules."""

import json
from datetime import UTC, datetime

from msgspec.structs import asdict, replace

from solorun.cli.render.formatting import format_moment
from solorun.queueing import ConflictPolicy
from solorun.schedule import Firing, FiringOutcome, FiringTrigger, MissedPolicy, ScheduleSummary
from solorun.status import Status
from solorun.wire.projects import ProjectList, ProjectSummary
from solorun.wire.runs import StartedRun
from solorun.wire.schedules import FiringList, ScheduleList
from tests.fakes.command_line import Solorun, answer
from tests.fakes.scripted_service import cut, make_run

AT = datetime(2026, 11, 3, 3, tzinfo=UTC)
NIGHTLY = ScheduleSummary(
    id="etl.nightly",
    project="etl",
    name="nightly",
    cron="0 3 * * *",
    timezone="Europe/Berlin",
    scope="full",
    params={},
    on_conflict=ConflictPolicy.QUEUE,
    missed=MissedPolicy.RUN_ONCE,
    jitter_seconds=0,
    delay_seconds=0,
    enabled=True,
    late="07:00",
    paused_at=None,
    paused_by=None,
    pause_reason=None,
    next_due_at=(AT,),
    last_firing=Firing("etl.nightly", "etl", AT, AT, run_id=17, run_status=Status.FAILED, late=True),
    estimated_seconds=None,
)
PAUSED = replace(NIGHTLY, paused_at=AT, paused_by="ada", next_due_at=())


async def test_schedules_are_listed_with_their_last_and_next_due_times(solorun: Solorun) -> None:
    refused = Firing("etl.nightly", "etl", AT, AT, FiringOutcome.REFUSED, reason="busy")
    manual = Firing("etl.nightly", "etl", AT, AT, trigger=FiringTrigger.MANUAL, run_id=9, run_status=Status.RUNNING)
    off = replace(NIGHTLY, enabled=False, last_firing=manual)
    found = ScheduleList((NIGHTLY, replace(PAUSED, last_firing=refused), off))

    ended = await solorun("schedules", "etl", answers=(answer(found),))

    head, first, second, third = ended.out.splitlines()
    zone = f"({AT.astimezone():%Z})"
    assert head.split() == ["SCHEDULE", "CRON", "TIME", "ZONE", "NEXT", zone, "LAST", zone, "RESULT", "RUN"]
    assert first.split()[0] == "etl.nightly"
    assert first.split()[-3:] == ["failed,", "late", "17"]
    assert "paused by ada" in second
    assert second.split()[-1] == "refused"
    assert "disabled" in third
    assert third.split()[-3:] == ["running,", "manual", "9"]
    assert ended.requests[0].target == "/api/v1/schedules?project=etl&next=3"


async def test_firings_are_listed_with_what_became_of_them(solorun: Solorun) -> None:
    late = Firing("etl.nightly", "etl", AT, AT, run_id=17, run_status=Status.FAILED, late=True, run_deleted=True)
    manual = Firing("etl.nightly", "etl", AT, AT, run_id=18, trigger=FiringTrigger.MANUAL)
    refused = Firing("etl.nightly", "etl", AT, AT, FiringOutcome.REFUSED, reason="busy")
    found = answer(FiringList((refused, manual, late), truncated=False))

    listed = await solorun("firings", "etl.nightly", "-n", "3", answers=(found,))
    as_json = await solorun("firings", "--json", answers=(found,))
    none = await solorun("firings", answers=(answer(FiringList((), truncated=False)),))

    head, *rows = listed.out.splitlines()
    assert head.split() == ["SCHEDULE", "DUE", f"({AT.astimezone():%Z})", "RESULT", "RUN", "REASON"]
    assert [row.split()[3:] for row in rows] == [
        ["refused", "-", "busy"],
        ["started,", "manual", "18", "-"],
        ["failed,", "late", "17", "(deleted)", "-"],
    ]
    assert listed.requests[0].target == "/api/v1/firings?schedule=etl.nightly&limit=3"
    assert [document["trigger"] for document in as_json.documents] == ["schedule", "manual", "schedule"]
    assert none.out == "No firings.\n"


async def test_schedules_are_printed_as_json(solorun: Solorun) -> None:
    ended = await solorun("schedules", "--json", answers=(answer(ScheduleList((NIGHTLY,))),))

    assert [document["id"] for document in ended.documents] == ["etl.nightly"]


async def test_a_service_without_schedules_says_how_to_declare_one(solorun: Solorun) -> None:
    ended = await solorun("schedules", answers=(answer(ScheduleList(())), answer(ProjectList((), ()))))

    assert ended.out.startswith("No schedules. Declare one in a table [[projects.<name>.schedules]]")
    assert ended.err == ""


async def test_an_empty_list_says_if_the_declarations_are_outdated(solorun: Solorun) -> None:
    fault = "projects.etl.timeout: must be a duration"
    outdated = ProjectSummary("etl", "etl", (), ("full",), (), None, None, configuration_faults=(fault,))

    ended = await solorun("schedules", answers=(answer(ScheduleList(())), answer(ProjectList((outdated,) * 2, ()))))

    assert ended.err == f"solorun.toml is invalid, so the service uses its last valid version: {fault}\n"


async def test_pausing_sends_the_reason(solorun: Solorun) -> None:
    ended = await solorun("pause", "etl.nightly", "--reason", "holidays", answers=(answer(PAUSED),))

    (request,) = ended.requests
    assert (request.method, request.target) == ("POST", "/api/v1/schedules/etl.nightly/pause")
    assert json.loads(request.body) == {"reason": "holidays", "requested_by": "cli"}
    assert ended.out == (
        f"etl.nightly was paused by ada on {format_moment(AT)}. Resume it with: solorun resume etl.nightly\n"
    )


async def test_pausing_a_paused_schedule_shows_its_first_reason(solorun: Solorun) -> None:
    paused = replace(PAUSED, pause_reason="moving house")

    ended = await solorun("pause", "etl.nightly", "--reason", "holidays", answers=(answer(paused),))

    assert ended.out.startswith(f"etl.nightly was paused by ada on {format_moment(AT)}: moving house. Resume it with: ")


async def test_resuming_prints_what_is_due_next(solorun: Solorun) -> None:
    ended = await solorun("resume", "etl.nightly", answers=(answer(NIGHTLY),))

    assert json.loads(ended.requests[0].body) == {"requested_by": "cli"}
    assert ended.out.startswith("etl.nightly is resumed, next at 2026-11-0")


async def test_triggering_a_schedule_starts_its_run_now(solorun: Solorun) -> None:
    started = StartedRun(**asdict(make_run(18)))

    ended = await solorun(
        "trigger", "etl.nightly", "--on-conflict", "join", "--idempotency-key", "k", answers=(cut, answer(started, 201))
    )

    assert ended.out.splitlines()[0::2] == ["Started run 18 of handbook.", "  solorun follow 18"]
    (first, second) = ended.requests
    assert (first.method, first.target) == ("POST", "/api/v1/schedules/etl.nightly/run")
    assert (first.headers["idempotency-key"], second.headers["idempotency-key"]) == ("k", "k")
    assert json.loads(second.body) == {"triggered_by": "cli", "on_conflict": "join"}


async def test_the_changed_schedule_is_printed_as_json(solorun: Solorun) -> None:
    paused = await solorun("pause", "etl.nightly", "--json", answers=(answer(PAUSED),))
    resumed = await solorun("resume", "etl.nightly", "--json", answers=(answer(NIGHTLY),))

    assert [paused.documents[0]["paused_by"], resumed.documents[0]["paused_by"]] == ["ada", None]
