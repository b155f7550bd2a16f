"""A regular expression of a client takes linear time, whatever lines it meets."""

import pytest

from solorun.text.pattern import Regex, SearchOptions

HOSTILE = {
    "(a+)+$": "a",
    "(a|aa)+b": "a",
    "(x+x+)+y": "x",
    "(.*a|.*b)*c": "ab",
    "([a-z]+)*[0-9]": "a",
    r"(\w+\s?)*!": "a ",
    "(?:(?:a?){30}){30}b": "a",
    "(a?){200}a{200}": "a",
    "a.{250}c": "ab",
    "^(([a-z])+.)+[A-Z]([a-z])+$": "a",
}


@pytest.mark.parametrize("pattern", HOSTILE)
@pytest.mark.parametrize("length", [100, 10_000, 100_000])
def test_a_hostile_line_is_searched_to_its_end(pattern: str, length: int) -> None:
    regex = Regex(pattern, SearchOptions(regex=True))
    line = HOSTILE[pattern] * (length // len(HOSTILE[pattern]))

    # Backtracking would take years for a hundred characters.
    assert len(regex.select([line, "", line])) == 3
    assert isinstance(regex.ends_in(line, line[:10]), bool)
