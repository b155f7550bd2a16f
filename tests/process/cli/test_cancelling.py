"""`cancel`: its output, requests and exit codes."""

import msgspec
import pytest

from solorun.status import Status
from tests.fakes.command_line import COMPLETED, RUNNING, Solorun, answer, plain, problem
from tests.fakes.scripted_service import end_event, events, make_run


async def test_cancel_waits_until_the_run_has_ended(solorun: Solorun) -> None:
    cancelled = make_run(17, Status.CANCELLED)

    ended = await solorun(
        "cancel", "17", "--reason", "enough",
        answers=(answer(RUNNING), answer(RUNNING, 202), answer(RUNNING), events(end_event(cancelled))),
    )  # fmt: skip

    assert ended.code == 0
    assert ended.out == "Run 17 was cancelled\n"
    assert msgspec.json.decode(ended.requests[1].body) == {"reason": "enough", "requested_by": "cli"}


async def test_cancel_can_return_without_waiting(solorun: Solorun) -> None:
    ended = await solorun("cancel", "17", "--no-wait", answers=(answer(RUNNING), answer(RUNNING, 202)))

    assert ended.code == 0
    assert ended.out == "Cancelling run 17. It stays active until its work has stopped.\n"


async def test_a_late_cancel_says_how_the_run_ended(solorun: Solorun) -> None:
    ended = await solorun("cancel", "17", answers=(answer(RUNNING), answer(RUNNING, 202), answer(COMPLETED)))

    assert ended.code == 3
    assert ended.out == "Run 17 completed\n"


async def test_cancelling_an_ended_run_is_a_conflict(solorun: Solorun) -> None:
    ended = await solorun("cancel", "17", answers=(answer(COMPLETED), problem("run-not-active", 409, run=COMPLETED)))

    assert ended.code == 3
    assert ended.err == "Run 17 is not active: it is completed.\n"


async def test_cancel_prints_the_run_as_json(solorun: Solorun) -> None:
    ended = await solorun("cancel", "17", "--no-wait", "--json", answers=(answer(RUNNING), answer(RUNNING, 202)))

    assert ended.documents == [plain(RUNNING)]


@pytest.mark.parametrize(("options", "grace"), [((), {}), (("--now",), {"grace_seconds": 0})])
async def test_cancel_now_ends_the_grace(solorun: Solorun, options: tuple[str, ...], grace: dict[str, int]) -> None:
    ended = await solorun("cancel", "17", "--no-wait", *options, answers=(answer(RUNNING), answer(RUNNING, 202)))

    assert msgspec.json.decode(ended.requests[1].body) == {"requested_by": "cli", **grace}
