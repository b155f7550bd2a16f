"""The filters of logs, as keyword arguments and as a query."""

from collections.abc import Collection
from typing import TypedDict

from solorun.client.transport import Query
from solorun.record import Event, Level, Stream


class LogFilters(TypedDict, total=False):
    """Selects records. All that are given have to match."""

    step: str | None
    attempt: int | None
    """One of the attempts of the step."""
    stream: Stream | None
    level: Level | None
    """The lowest level."""
    text: str | None
    """Part of what a line shows, ignoring case."""
    match_case: bool
    """Whether the search for the text is case-sensitive."""
    whole_word: bool
    """Whether the text matches whole words only."""
    regex: bool
    """The text is a regular expression in the syntax of RE2."""
    events: Collection[Event]
    """The types of events to include."""


def encode_filters(filters: LogFilters) -> Query:
    return {
        "step": filters.get("step"),
        "attempt": filters.get("attempt"),
        "stream": filters.get("stream"),
        "level": filters.get("level"),
        "q": filters.get("text"),
        **{name: 1 for name in ("match_case", "whole_word", "regex") if filters.get(name)},
        "event": [event.value for event in filters.get("events", ())],
    }
