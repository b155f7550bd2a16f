"""Texts that a channel has to change before they are stored, beyond those of plain lines."""

import pytest

from solorun.logs import StepChange
from solorun.record import Stream
from solorun.status import StepStatus
from tests.integration.logs.test_channel import make_channel, take_all


async def test_text_that_cannot_be_encoded_is_replaced_in_a_run_with_secrets() -> None:
    channel = make_channel("correct-horse")

    await channel.write("extract", Stream.STEP, ["correct-horse\ud800"])
    await channel.progress("extract", 1, None, "\udfff")

    assert [record.message for record in take_all(channel)] == ["***?", "1 ?"]


async def test_the_command_of_a_step_is_masked_and_keeps_its_lines() -> None:
    channel = make_channel("correct-horse")

    command = "login --token correct-horse\ngrep -c photon \ud800"
    channel.change_step(StepChange(name="extract", status=StepStatus.RUNNING, command=command), "extract started")
    channel.change_step(StepChange(name="extract", status=StepStatus.COMPLETED), "extract completed")

    started, completed = take_all(channel)
    assert (started.data or {})["command"] == "login --token ***\ngrep -c photon ?"
    assert "command" not in (completed.data or {})


@pytest.mark.parametrize(
    ("before", "end"), [(1_980, "***yyyyyyy…"), (1_987, "***…"), (1_990, "…"), (1_999, "…"), (2_000, "…")]
)
async def test_a_long_command_is_cut_but_never_inside_a_secret(before: int, end: str) -> None:
    channel = make_channel("correct-horse")

    command = "x" * before + "correct-horse" + "y" * 2_000
    channel.change_step(StepChange(name="extract", status=StepStatus.RUNNING, command=command), "extract started")

    [record] = take_all(channel)
    assert (record.data or {})["command"] == "x" * before + end
