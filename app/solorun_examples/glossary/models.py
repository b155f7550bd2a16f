"""The values that the steps pass on."""

from enum import StrEnum

import msgspec


class Definition(msgspec.Struct, frozen=True):
    """What a document says a term is. `source` is the document's name and a line, as in `sky.md:12`.

    A definition of strength 2 or more needs no further evidence; the higher, the better.
    """

    text: str
    source: str
    strength: int


class Candidate(msgspec.Struct, frozen=True):
    """A word that may deserve an entry, and how often a document uses it."""

    term: str
    count: int
    definitions: tuple[Definition, ...] = ()


class Entry(msgspec.Struct, frozen=True):
    """A term and its definitions, the best first; `rivals` are those that contradict the best one."""

    term: str
    count: int
    definitions: tuple[Definition, ...] = ()
    aliases: tuple[str, ...] = ()
    rivals: tuple[Definition, ...] = ()
    see_also: tuple[str, ...] = ()


class Problem(StrEnum):
    MISSING = "missing"
    CIRCULAR = "circular"
    DUPLICATE = "duplicate"
    CONFLICTING = "conflicting"


class Finding(msgspec.Struct, frozen=True):
    """A problem with the entry of `term`. `others` are further terms it concerns."""

    problem: Problem
    term: str
    reason: str
    others: tuple[str, ...] = ()


class Dropped(msgspec.Struct, frozen=True):
    """A term that did not become an entry, and why."""

    term: str
    reason: str


class Glossary(msgspec.Struct, frozen=True):
    """The finished work, both alphabetical."""

    entries: tuple[Entry, ...]
    dropped: tuple[Dropped, ...]
