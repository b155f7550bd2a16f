"""The values that the steps hand on: passages and candidates, definitions and entries, findings."""

from enum import StrEnum

import msgspec


class Source(msgspec.Struct, frozen=True, order=True):
    """A place in a document: its name below the documents' directory, and a line from 1."""

    document: str
    line: int

    def __str__(self) -> str:
        return f"{self.document}:{self.line}"


class Manner(StrEnum):
    """How a passage defines, from the clearest to the faintest."""

    TABLE = "table"  # | term | meaning |
    LIST = "list"  # a definition list: the term, then `: its meaning`
    LABEL = "label"  # **term**: meaning, or 用語：意味
    TOWA = "towa"  # 「用語」とは…
    NAMED = "named"  # …を用語と呼ぶ
    IS = "is"  # A term is a …
    WA = "wa"  # 用語は…です
    CODE = "code"  # `RunManager` is a …: what is so called in a program
    KEY = "key"  # `run` is a …, or a label in a list of settings: explains a key or a command, never the word
    HEADING = "heading"  # a heading, and a first sentence that says what it is


class Passage(msgspec.Struct, frozen=True):
    """What a document says about a term, as found: cleaned of Markdown, not yet judged.

    `master`: it stands in a glossary, whose word counts more than a remark's.
    """

    text: str
    source: Source
    manner: Manner
    master: bool = False


class Kind(StrEnum):
    """Where a term was seen."""

    DEFINED = "defined"
    HEADING = "heading"
    BOLD = "bold"
    CODE = "code"
    FREQUENT = "frequent"
    COMPOUND = "compound"  # a katakana or kanji word
    LATIN = "latin"  # a Latin word in Japanese text


class Context(msgspec.Struct, frozen=True):
    """A sentence that uses a term."""

    text: str
    source: Source


class Candidate(msgspec.Struct, frozen=True):
    """A word that may deserve an entry. `count` is how often the documents use it, in how many of them `spread`."""

    term: str
    kinds: tuple[Kind, ...]
    count: int
    spread: int
    passages: tuple[Passage, ...] = ()
    contexts: tuple[Context, ...] = ()

    @property
    def documents(self) -> set[str]:
        """The documents that it is known from."""
        places = [passage.source for passage in self.passages] + [context.source for context in self.contexts]
        return {place.document for place in places}


class Definition(msgspec.Struct, frozen=True):
    """A passage that was judged: the higher the score the better it defines."""

    text: str
    source: Source
    manner: Manner
    score: int
    master: bool = False


class Origin(StrEnum):
    DOCUMENT = "document"
    MODEL = "model"


class Entry(msgspec.Struct, frozen=True):
    """A term and what it means. `definition` is "" when none was found; `definitions` are all, the best first.

    `origin` says who worded the definition. `marks` are what a reader should know of it. `lack` is why
    there is no definition, for when there is none.
    """

    term: str
    definition: str
    origin: Origin
    definitions: tuple[Definition, ...]
    contexts: tuple[Context, ...]
    count: int = 1
    aliases: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    lack: str = "No document says what it is."

    @property
    def documents(self) -> set[str]:
        return {place.document for place in self.sources}

    @property
    def sources(self) -> tuple[Source, ...]:
        """Where the definition stands, then the other places that speak of the term; one for each document."""
        places = [known.source for known in self.definitions if known.text == self.definition]
        places += [known.source for known in self.definitions] + [context.source for context in self.contexts]
        first: dict[str, Source] = {}
        for place in places:
            first.setdefault(place.document, place)
        return tuple(first.values())


class Fault(StrEnum):
    """What a review can find wrong with an entry."""

    MISSING = "missing"
    CIRCULAR = "circular"
    DUPLICATE = "duplicate"
    CONFLICTING = "conflicting"
    UNCLEAR = "unclear"  # a model's opinion
    NOT_A_TERM = "not_a_term"  # a model's opinion


class Finding(msgspec.Struct, frozen=True):
    """One thing wrong with the entry of `term`; `others` are the terms that it concerns too."""

    fault: Fault
    term: str
    reason: str
    others: tuple[str, ...] = ()


class GlossaryEntry(msgspec.Struct, frozen=True):
    """An entry as readers get it. `rivals` are other definitions that contradict it; `sources` begin with its own."""

    term: str
    definition: str
    origin: Origin
    sources: tuple[Source, ...]
    aliases: tuple[str, ...] = ()
    see_also: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    rivals: tuple[Definition, ...] = ()
    note: str = ""


class Dropped(msgspec.Struct, frozen=True):
    """A term that did not become an entry, and why."""

    term: str
    reason: str
