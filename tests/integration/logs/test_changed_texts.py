"""Texts that a channel has to change before they are stored, beyond those of plain lines."""

from solorun.record import Stream
from tests.integration.logs.test_channel import make_channel, take_all


async def test_text_that_cannot_be_encoded_is_replaced_in_a_run_with_secrets() -> None:
    channel = make_channel("correct-horse")

    await channel.write("extract", Stream.STEP, ["correct-horse\ud800"])
    await channel.progress("extract", 1, None, "\udfff")

    assert [record.message for record in take_all(channel)] == ["***?", "1 ?"]
