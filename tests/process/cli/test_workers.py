"""How commands show the workers, and drain one."""

import json
from datetime import UTC, datetime

import pytest
from msgspec.structs import asdict, replace

from solorun.cli.render.formatting import format_moment
from solorun.run import Refusal
from solorun.status import Status
from solorun.wire.runs import ArtifactList, RunPage, StartedRun
from solorun.wire.workers import WorkerList
from solorun.worker import WorkerState, WorkerStatus
from tests.fakes.command_line import COMPLETED, Solorun, answer, problem
from tests.fakes.scripted_service import end_event, events, make_run

NOW = datetime(2026, 11, 23, 14, 5, tzinfo=UTC)
RED = WorkerStatus("red-1", "red", ("eu", "gpu"), 4, WorkerState.ACTIVE, (17, 18), NOW, NOW)
SERVICE = WorkerStatus("blue-1", "blue", None, None, WorkerState.ACTIVE, (), NOW, NOW)
NOTHING_ELSE = (answer(ArtifactList((), None, False)), answer(RunPage((), None)))
WAITING = replace(make_run(19, Status.PENDING), labels=("eu", "arm"))


async def test_workers_lists_each_with_what_it_executes_and_the_runs_that_wait(solorun: Solorun) -> None:
    ended = await solorun("workers", answers=(answer(WorkerList((SERVICE, RED), (WAITING,), True)),))

    heading, service, red, waiting = ended.out.splitlines()
    assert heading.split("  ")[0] == "WORKER"
    assert service.split()[:5] == ["blue-1", "active", "all", "0", "-"]
    assert red.split()[:8] == ["red-1", "active", "eu,", "gpu", "2", "of", "4", "17,"]
    assert waiting == "Run 19 of handbook waits for a worker with the labels eu, arm."


async def test_workers_says_how_to_start_one_if_there_is_none(solorun: Solorun) -> None:
    ended = await solorun("workers", answers=(answer(WorkerList((), (), True)),))

    assert ended.out == "No workers. Start one with: solorun worker\n"


async def test_workers_with_json_is_one_worker_per_line(solorun: Solorun) -> None:
    ended = await solorun("workers", "--json", answers=(answer(WorkerList((SERVICE, RED), (WAITING,), True)),))

    assert [json.loads(line)["id"] for line in ended.out.splitlines()] == ["blue-1", "red-1"]


async def test_drain_says_what_the_worker_still_executes(solorun: Solorun) -> None:
    busy = await solorun("drain", "red/1", answers=(answer(replace(RED, state=WorkerState.DRAINING)),))
    idle = await solorun("drain", "red-1", answers=(answer(replace(RED, state=WorkerState.DRAINING, runs=())),))
    lost = await solorun("drain", "red-1", answers=(answer(replace(RED, state=WorkerState.LOST)),))

    assert busy.requests[0].target == "/api/v1/workers/red%2F1/drain"
    assert busy.out == "Worker red-1 takes no new runs. It still executes 17, 18.\n"
    assert idle.out == "Worker red-1 takes no new runs. It executes none.\n"
    assert lost.out == "Worker red-1 is lost. It takes no new runs if it comes back.\n"


async def test_an_unknown_worker_is_not_found(solorun: Solorun) -> None:
    ended = await solorun("drain", "red-2", answers=(problem("worker-not-found", 404, "There is no worker red-2."),))

    assert (ended.code, ended.err) == (6, "There is no worker red-2.\n")


async def test_a_start_without_a_worker_says_so(solorun: Solorun) -> None:
    run = StartedRun(**asdict(WAITING), worker_missing=True)

    ended = await solorun("start", "handbook", answers=(answer(run, 201),))

    assert ended.err == "No connected worker has the labels eu, arm: the run waits for one.\n"


@pytest.mark.parametrize(("workers", "reason"), [((RED,), "; none is connected"), ((SERVICE,), "")])
async def test_show_says_what_a_run_waits_for(solorun: Solorun, workers: tuple[WorkerStatus, ...], reason: str) -> None:
    listed = answer(WorkerList(workers, (WAITING,), True))

    ended = await solorun("show", "19", answers=(answer(WAITING), *NOTHING_ELSE, listed))

    assert f"a worker with the labels eu, arm{reason}\n" in ended.out


async def test_show_says_which_workers_refused_a_run_when_and_why(solorun: Solorun) -> None:
    refusals = (Refusal("red-1", NOW, "red declares other steps"), Refusal("blue-1", NOW, "its key is missing"))
    waiting = replace(WAITING, refusals=refusals)
    failed = replace(waiting, status=Status.FAILED, error_message="it could not be started: red declares other steps")
    listed = answer(WorkerList((SERVICE,), (waiting,), True))

    ended = await solorun("show", "19", answers=(answer(waiting), *NOTHING_ELSE, listed))
    after = await solorun("show", "19", answers=(answer(failed), *NOTHING_ELSE))

    first, second = (f"{each.worker} on {format_moment(NOW)}: {each.reason}" for each in refusals)
    assert "a worker with the labels eu, arm; refused by red-1, blue-1\n" in ended.out
    for shown in (ended.out, after.out):
        assert f"refused by    {first}\n              {second}\n" in shown


@pytest.mark.parametrize("command", ["follow", "wait"])
async def test_a_command_that_waits_says_what_for(solorun: Solorun, command: str) -> None:
    listed = answer(WorkerList((), (WAITING,), True))
    completed = events(end_event(COMPLETED))
    answers = (answer(WAITING), listed, answer(WAITING), completed)

    ended = await solorun(command, "19", answers=answers)

    assert "waits for a worker with the labels eu, arm; none is connected" in ended.err


async def test_show_has_the_worker_of_a_run(solorun: Solorun) -> None:
    run = replace(COMPLETED, worker="red-1")

    ended = await solorun("show", "17", answers=(answer(run), *NOTHING_ELSE))

    assert "red-1" in ended.out
