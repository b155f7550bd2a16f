"""Values of options that are refused, in words of ours."""

import pytest

from tests.fakes.command_line import Solorun


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("runs", "--status", "bad"), '"bad" is not one of pending, running, completed,'),
        (("runs", "-n", "0"), "0 is less than 1."),
        (("log", "1", "-n", "x"), '"x" is not a whole number.'),
        (("log", "1", "--level", "loud"), '"loud" is not one of debug, info, warning, error.'),
        (("serve", "--port", "x"), '"x" is not a whole number.'),
    ],
)
async def test_a_value_that_cannot_be_is_refused_in_plain_words(
    solorun: Solorun, arguments: tuple[str, ...], words: str
) -> None:
    ended = await solorun(*arguments)

    assert (ended.code, ended.requests) == (2, [])
    assert words in ended.err
    assert "Value error" not in ended.err
