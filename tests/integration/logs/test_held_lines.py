"""Secrets in wrapped base64 whose lines are written one by one."""

import asyncio
import base64
import re

import pytest

from solorun.logs import held_lines
from solorun.record import Level, Stream
from tests.integration.logs.test_channel import make_channel, take_all

SECRET = "corréct-horse\x7f>>>-battery-staple"
MASKED = "\x00"


def encode(before: int, secret: str = SECRET, width: int = 76) -> tuple[list[str], list[str]]:
    """The lines of wrapped base64 with the secret after `before` bytes, and what is to be logged of them."""
    value = secret.encode()
    encoded = base64.b64encode(b"\x00" * before + value + b"\x00" * 60).decode()
    inside = range(before * 8 // 6, -(-(before + len(value)) * 8 // 6))
    hidden = "".join(MASKED if place in inside else char for place, char in enumerate(encoded))
    return _wrap(encoded, width), [re.sub(f"{MASKED}+", "***", line) for line in _wrap(hidden, width)]


def _wrap(text: str, width: int) -> list[str]:
    return [text[start : start + width] for start in range(0, len(text), width)]


@pytest.mark.parametrize("secret", [SECRET, SECRET * 8])
async def test_nothing_is_left_of_a_wrapped_secret_whose_lines_are_written_one_by_one(secret: str) -> None:
    for before in range(28, 57):  # from its last byte to its first one on the next line
        channel = make_channel(secret)
        lines, masked = encode(before, secret)

        for line in lines:
            await channel.write("extract", Stream.STDOUT, [line])
        channel.log("done")

        assert [record.message for record in take_all(channel)] == [*masked, "done"]


async def test_secrets_that_share_a_line_are_masked_line_by_line() -> None:
    channel = make_channel(SECRET)
    lines, masked = encode(55, SECRET * 3)

    for line in lines:
        await channel.write("extract", Stream.STDOUT, [line])
    channel.log("done")

    assert [record.message for record in take_all(channel)] == [*masked, "done"]


async def test_a_line_is_held_back_until_time_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held_lines, "HOLD_SECONDS", 0)
    channel = make_channel(SECRET)
    (line, *_), _ = encode(55)

    await channel.write("extract", Stream.STDOUT, ["before", line])
    at_first = [record.message for record in take_all(channel)]
    await asyncio.sleep(0)
    while not channel.has_work:
        await asyncio.sleep(0)

    assert (at_first, [record.message for record in take_all(channel)]) == (["before"], [line])


@pytest.mark.parametrize("line", ["cmVsZWFzZSBub3RlcyBvZiB2ZXJzaW9uIDMA", "line c", "x Y2Nj", "c" * 15])
async def test_lines_that_begin_no_secret_are_not_held_back(line: str) -> None:
    channel = make_channel(SECRET)

    await channel.write("extract", Stream.STDOUT, [line])

    assert [record.message for record in take_all(channel)] == [line]


async def test_a_line_that_is_held_back_stays_before_later_ones_of_its_step() -> None:
    channel = make_channel(SECRET, steps=("extract", "other"))
    (line, *_), _ = encode(56)

    await channel.write("extract", Stream.STDOUT, [line])
    await channel.write("other", Stream.STDOUT, ["beside it"])
    await channel.write("extract", Stream.STDERR, ["an error"], level=Level.ERROR)

    assert [record.message for record in take_all(channel)] == ["beside it", line, "an error"]


async def test_an_unfinished_line_is_not_held_back() -> None:
    channel = make_channel(SECRET)
    (line, *_), _ = encode(56)

    await channel.write("extract", Stream.STDOUT, [line], partial=True)

    assert [record.partial for record in take_all(channel)] == [True]
