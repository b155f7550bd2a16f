"""How commands show queued runs, who waits for resources, and what a refused start could do instead."""

from datetime import UTC, datetime

import msgspec
import pytest
from msgspec.structs import asdict

from solorun.queueing import Choices, Hold, JoinChoice, QueueChoice, ReplaceChoice
from solorun.run import RunStep
from solorun.status import Status, StepStatus
from solorun.wire.projects import ResourceList, ResourceSummary
from solorun.wire.runs import ArtifactList, RunPage, StartedRun
from tests.fakes.command_line import COMPLETED, RUNNING, Solorun, answer, problem
from tests.fakes.scripted_service import end_event, events, make_run

NOW = datetime(2026, 11, 23, 14, 5, tzinfo=UTC)
QUEUED = msgspec.structs.replace(
    make_run(17, Status.QUEUED),
    queue_position=2,
    waits_for=("gpu",),
    estimated_start_at=NOW,
    queue_deadline=NOW,
    replaces=16,
)
NOTHING_ELSE = (answer(ArtifactList((), None, False)), answer(RunPage((), None)))
PLACE = "number 2 in the queue, waits for gpu, begins at about 14:05 UTC"


async def test_a_queued_start_shows_its_place(solorun: Solorun) -> None:
    ended = await solorun("start", "handbook", answers=(answer(StartedRun(**asdict(QUEUED)), 202),))

    assert ended.out.splitlines()[0] == f"Queued run 17 of handbook: {PLACE}."


@pytest.mark.parametrize("command", ["follow", "start --follow"])
async def test_following_a_queued_run_begins_with_its_place(solorun: Solorun, command: str) -> None:
    first = answer(QUEUED) if command == "follow" else answer(StartedRun(**asdict(QUEUED)), 202)
    name, *options = command.split()

    ended = await solorun(name, "handbook", *options, answers=(first, answer(QUEUED), events(end_event(COMPLETED))))

    assert ended.out.splitlines()[1] == f"Waiting: {PLACE}"
    assert ended.code == 0


async def test_waiting_for_a_queued_run_notes_its_place(solorun: Solorun) -> None:
    ended = await solorun("wait", "17", answers=(answer(QUEUED), answer(QUEUED), events(end_event(COMPLETED))))

    assert ended.err == f"Waiting for run 17, {PLACE}…\n"


async def test_show_has_the_place_of_a_queued_run(solorun: Solorun) -> None:
    ended = await solorun("show", "17", answers=(answer(QUEUED), *NOTHING_ELSE))

    facts = dict(line.split("  ", 1) for line in ended.out.partition("\n\n")[0].splitlines())
    assert facts["queue"].strip() == PLACE
    assert facts["replaces"].strip() == "run 16"
    assert "queued until" in facts


async def test_show_has_the_slots_of_a_run(solorun: Solorun) -> None:
    run = msgspec.structs.replace(RUNNING, slots={"gpu": (0, 1), "disk": (3,)})

    ended = await solorun("show", "17", answers=(answer(run), *NOTHING_ELSE))

    assert "gpu 0,1; disk 3" in ended.out


async def test_resources_says_that_another_service_declares_other_slots(solorun: Solorun) -> None:
    found = (ResourceSummary("gpu", 2, 1, (), ()), ResourceSummary("disk", 1, 1, (), ()))

    ended = await solorun("resources", answers=(answer(ResourceList(found)),))

    assert ended.err == (
        "Another service declares 2 slots of gpu, but the solorun.toml of this one declares 1. "
        "The latest declaration applies.\n"
    )


async def test_resources_lists_the_runs_and_steps_that_wait(solorun: Solorun) -> None:
    step = msgspec.structs.replace(RunStep("train"), status=StepStatus.WAITING)
    stepping = msgspec.structs.replace(RUNNING, id=18, steps=(RunStep("prepare"), step))
    gpu = ResourceSummary("gpu", 1, 1, (Hold("gpu", 0, 9, "render", "", NOW),), (QUEUED, stepping))

    ended = await solorun("resources", answers=(answer(ResourceList((gpu,))),))

    assert ended.out.splitlines()[-1] == ("Waiting for gpu: run 17 of handbook, run 18 of handbook (step train)")


async def test_a_refused_start_says_why_it_cannot_join(solorun: Solorun) -> None:
    choices = Choices(JoinChoice(False, 17, "its parameters differ"), QueueChoice(True, 2, None), ReplaceChoice(17))
    refused = problem("run-active", 409, active_run=RUNNING, choices=choices)

    ended = await solorun("start", "handbook", "--on-conflict", "join", answers=(refused,))

    assert ended.err.splitlines()[3:] == [
        "Or start with:",
        "  --on-conflict queue    wait, as number 2 in the queue",
        "  --on-conflict replace  cancel run 17, and begin when it has stopped",
        "It cannot be joined: its parameters differ.",
    ]
