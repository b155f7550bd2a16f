"""Error messages for invalid option values."""

import pytest

from tests.fakes.command_line import Solorun


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("runs", "--status", "bad"), '"bad" is not one of queued, pending, running, completed,'),
        (("runs", "-n", "0"), "0 is less than 1."),
        (("log", "1", "-n", "x"), '"x" is not a whole number.'),
        (("log", "1", "--level", "loud"), '"loud" is not one of debug, info, warning, error.'),
        (("serve", "--port", "x"), '"x" is not a whole number.'),
    ],
)
async def test_an_invalid_option_value_is_rejected_with_a_clear_message(
    solorun: Solorun, arguments: tuple[str, ...], message: str
) -> None:
    ended = await solorun(*arguments)

    assert (ended.code, ended.requests) == (2, [])
    assert message in ended.err
    assert "Value error" not in ended.err
