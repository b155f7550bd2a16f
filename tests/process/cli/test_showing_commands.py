"""The command that failed, as `solorun show` finds it in the log."""

import msgspec
import pytest

from solorun.record import Event, Level, LogPage, Record, Stream
from solorun.run import Attempt, RunStep
from solorun.status import Status, StepStatus
from solorun.wire.runs import ArtifactList, RunPage
from tests.fakes.command_line import Solorun, answer
from tests.fakes.scripted_service import CREATED_AT, make_run


@pytest.mark.parametrize(
    ("step", "after"),
    [
        (RunStep("count", StepStatus.FAILED, first_seq=5, last_seq=6, exit_code=1), 4),
        (
            RunStep(
                "count",
                StepStatus.FAILED,
                first_seq=5,
                attempts=(
                    Attempt(1, StepStatus.FAILED, CREATED_AT, first_seq=5),
                    Attempt(2, StepStatus.FAILED, CREATED_AT, first_seq=9),
                ),
            ),
            8,
        ),
    ],
)
async def test_show_prints_the_command_that_failed(solorun: Solorun, step: RunStep, after: int) -> None:
    run = msgspec.structs.replace(make_run(17, Status.FAILED), error_message="count: exit code 1", steps=(step,))
    waits = Record(5, CREATED_AT, Level.INFO, "count", Stream.SOLORUN, "waits", Event.STEP, {"status": "waiting"})
    data = {"name": "count", "status": "running", "exit_code": None, "command": "cd docs\ngrep -c \x1b[2Jphoton *"}
    begun = Record(6, CREATED_AT, Level.INFO, "count", Stream.SOLORUN, "count started", Event.STEP, data)
    page = LogPage((waits, begun), 2, more_before=False, more_after=False)

    ended = await solorun(
        "show",
        "17",
        answers=(answer(run), answer(ArtifactList((), None, False)), answer(RunPage((), None)), answer(page)),
    )

    assert ended.requests[3].target == f"/api/v1/runs/17/log?after={after}&limit=2&step=count&event=step"
    assert "error         count: exit code 1\ncommand       cd docs\n              grep -c photon *\n" in ended.out


async def test_show_prints_no_command_if_the_log_has_none(solorun: Solorun) -> None:
    step = RunStep("count", StepStatus.FAILED, first_seq=5, last_seq=6, exit_code=1)
    run = msgspec.structs.replace(make_run(17, Status.FAILED), steps=(step,))
    begun = Record(5, CREATED_AT, Level.INFO, "count", Stream.SOLORUN, "count started", Event.STEP, {"name": "count"})
    page = LogPage((begun,), 1, more_before=False, more_after=False)

    ended = await solorun(
        "show",
        "17",
        answers=(answer(run), answer(ArtifactList((), None, False)), answer(RunPage((), None)), answer(page)),
    )

    assert "command" not in ended.out
