"""Finds the passages of a document that define something, and judges how well each of them does."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from solorun_examples.glossary import english, japanese
from solorun_examples.glossary.documents import Block, Document, Shape, is_about_words
from solorun_examples.glossary.entries import Candidate, Definition, Kind, Manner, Passage, Source
from solorun_examples.glossary.markdown import plain
from solorun_examples.glossary.sentences import Sentence, on_one_line, split_sentences
from solorun_examples.glossary.terms import is_term, term_key

GOOD_ENOUGH: Final = 50
"""A definition that scores less is none."""

MAX_LENGTH: Final = 320
_COMFORTABLE: Final = 220

_TERM_COLUMN: Final = re.compile(
    r"^(?:term|word|concept|status|abbreviation|acronym|用語|語|言葉|略語)(?:s|es)?$", re.I
)
_MEANING_COLUMN: Final = re.compile(
    r"^(?:(?:meaning|definition|description|explanation)s?|what it (?:is|means|says)|means|stands for"
    r"|意味|説明|定義|内容)$",
    re.I,
)
_PRESET_COLUMN: Final = re.compile(r"^(?:presets?|defaults?|types?|required|既定値?|型)$", re.I)
_GROUP: Final = re.compile(r"\s*(?:,|、| / | · )\s*")
_BOLD_LABEL: Final = re.compile(
    r"^(?:\*\*|__)(?P<term>[^*\n]{2,60}?)(?P<inside>[:：.]?)(?:\*\*|__)(?:\s?[(（][^()（）]{1,40}[)）])?"
    r"\s*(?P<outside>[:：]|—|–|-{1,2}\s)?\s*(?P<meaning>\S.*)$",
    re.DOTALL,
)
_CODE_LABEL: Final = re.compile(r"^`(?P<term>[^`\n]{2,40})`\s*(?:[:：]|—|–|-{1,2}\s)\s*(?P<meaning>\S.*)$", re.DOTALL)
_PLAIN_LABEL: Final = re.compile(
    r"^(?P<term>[A-Za-z][\w'’ -]{1,40}?)(?: \([^()]{1,40}\))?(?::| —| –| - )\s*"
    r"(?P<meaning>(?:an?|the|one|any|what|how|where)\s.+)$",
    re.DOTALL | re.I,
)
_NOUN_OPENING: Final = re.compile(r"^(?:an?|the|one|any|each|what|which|who|where|how|whether|all|everything)\b", re.I)
_REMARK: Final = re.compile(r"^[(（][^()（）]*[)）]\s*(?=.{16})")
_NARROWED: Final = re.compile(r"^.{1,10}では、|^(?:in|for|on) [^,]{2,30}, ", re.I)
_POINTING: Final = re.compile(r"^(?:this|it|these|that) (?:is|are|means|refers to) (?=(?:an?|the|one)\b)", re.I)
_ALIEN_OPENING: Final = re.compile(
    r"^(?:it|this|these|that|they|there|but|and|so|if|when|because|see|note|use|for|in|by|not|no|you|we|as|to|on"
    r"|many|most|several|our|your)\b"
    r"|^(?:しかし|また|そして|これ|それ|この|その|ただし)",
    re.I,
)
_BASE: Final = {
    Manner.TOWA: 85,
    Manner.TABLE: 80,
    Manner.LIST: 80,
    Manner.LABEL: 66,
    Manner.NAMED: 68,
    Manner.IS: 64,
    Manner.WA: 58,
    Manner.CODE: 60,
    Manner.KEY: 0,
    Manner.HEADING: 50,
}


def find_passages(document: Document) -> Iterator[tuple[str, Passage]]:
    """The terms that the document defines, each with the passage that does, in the document's order."""
    title = ""
    for block in document.blocks:
        master = document.is_glossary(block)
        for term, meaning, line, manner in _find_in(block, title, master):
            name = _bare(term)
            predicate = _predicate(name, meaning) if manner in _EXPLICIT else meaning
            text = _tidy(predicate, rambling=manner is Manner.LABEL and not master)
            is_label = manner is Manner.LABEL and not master
            is_key = not master and any(map(_PRESET_COLUMN.match, block.header))
            is_key |= is_label and (_is_log_of_changes(document) or _is_key(block, name, text))
            is_key |= manner in _EXPLICIT and not master and english.is_generic(name)
            if text and (is_term(name) or ((master or manner in _EXPLICIT) and _is_named(name, text))):
                yield name, Passage(text, Source(document.name, line), Manner.KEY if is_key else manner, master)
        title = plain(block.text) if block.shape is Shape.HEADING else ""


_EXPLICIT: Final = frozenset({Manner.TABLE, Manner.LIST, Manner.LABEL})


def _is_named(name: str, text: str) -> bool:
    return english.is_identifier(name) or (english.is_phrase(name) and _NOUN_OPENING.match(text) is not None)


def _is_log_of_changes(document: Document) -> bool:
    return re.search(r"(?:change|release|history|news)", Path(document.name).stem, re.I) is not None


def _is_key(block: Block, name: str, text: str) -> bool:
    """Whether a label is the name of a setting or of an argument, perhaps with its type."""
    is_code = english.is_field(name) or (f"`{name}`" in block.text and english.is_key(name))
    return is_code or english.is_generic(name) or _TYPE.match(text) is not None or bool(_SETTINGS.search(block.heading))


_TYPE: Final = re.compile(r"^(?:Number|Boolean|String|Array|Object|Function)\b(?! (?:that|which))")
_SETTINGS: Final = re.compile(r"\b(?:settings?|options?|parameters|arguments|environment|variables|flags|keys)\b", re.I)
_Found = tuple[str, str, int, Manner]


def _find_in(block: Block, title: str, master: bool) -> Iterator[_Found]:
    match block.shape:
        case Shape.HEADING:
            return
        case Shape.ROW:
            yield from _find_in_row(block)
            return
        case Shape.DEFINITION:
            yield plain(block.cells[0]), plain(block.text), block.line, Manner.LIST
            return
        case _:
            pass
    label = _find_label(block)
    if label:
        yield label
    sentences = split_sentences(plain(block.text), block.line)
    for sentence in sentences:
        clauses = [sentence._replace(text=clause) for clause in english.clauses(sentence.text)]
        for term, meaning, line, manner in (one for clause in clauses for one in _find_in_sentence(clause, master)):
            is_code = manner is Manner.IS and (term.isupper() or f"`{term}`" in block.text)
            code = Manner.KEY if f"`{term}`" in block.text and english.is_key(term) else Manner.CODE
            yield term, meaning, line, code if is_code and not master else manner
    if title and block.shape is Shape.PARAGRAPH and sentences:
        first = sentences[0]
        # In a glossary a heading is a term, unless the text defines its own; elsewhere the text must look like what a
        # dictionary says.
        explained = master and not is_about_words(title) and not english.find_definition(first.text)
        if explained or (re.match(r"An? ", first.text) and not english.is_report(first.text)):
            yield title, first.text, first.line, Manner.HEADING


def _find_in_row(block: Block) -> Iterator[_Found]:
    names = [plain(cell).casefold() for cell in block.header]
    if len(block.cells) < 2 or len(names) < 2:
        return
    column = next((at for at, name in enumerate(names[1:], 1) if _MEANING_COLUMN.match(name)), None)
    marked = block.cells[0].startswith(("**", "__"))
    if column is None and len(names) == 2 and (_TERM_COLUMN.match(names[0]) or marked):
        column = 1
    if column is None or column >= len(block.cells) or not (_TERM_COLUMN.match(names[0]) or marked):
        return
    term, meaning = plain(block.cells[0]), plain(block.cells[column])
    group = _GROUP.split(term)
    for one in group:
        others = ", ".join(other for other in group if other != one)
        yield one, f"{meaning.rstrip('.。')} (with {others})" if others else meaning, block.line, Manner.TABLE


def _find_label(block: Block) -> _Found | None:
    bold = _BOLD_LABEL.match(block.text)
    # **Run-in headings.** end with a full stop, and mostly begin a text about something else.
    if bold and (bold["outside"] or (bold["inside"] and (bold["inside"] in ":：" or _opens_as_noun(bold["meaning"])))):
        return plain(bold["term"]), plain(bold["meaning"]), block.line, Manner.LABEL
    if code := _CODE_LABEL.match(block.text):
        return code["term"], plain(code["meaning"]), block.line, Manner.LABEL
    if block.text.startswith(("**", "__", "`")):
        return None
    text = plain(block.text)
    found = _PLAIN_LABEL.match(text) or (japanese.LABEL.match(text) if japanese.is_japanese(text) else None)
    return (found["term"], found["meaning"], block.line, Manner.LABEL) if found else None


def _find_in_sentence(sentence: Sentence, master: bool) -> Iterator[_Found]:
    text, line = sentence
    if japanese.is_japanese(text):
        if found := japanese.TOWA.match(text):
            yield found["term"], japanese.as_noun(found["meaning"]), line, Manner.TOWA
        elif found := japanese.NAMED.match(text):
            term, meaning = found["term"] or found["plain_term"], found["meaning"] or found["plain_meaning"]
            yield term, japanese.as_noun(meaning), line, Manner.NAMED
        elif (found := japanese.WA.match(text)) and japanese.has_meaning(found["meaning"]):
            yield found["term"], japanese.as_noun(found["meaning"]), line, Manner.WA
        return
    if found := english.NAMED.match(text):
        yield found["term"], found["meaning"], line, Manner.NAMED
    elif found := english.find_definition(text):
        # A glossary may say what it likes; elsewhere only a thing with its article is a definition.
        meaning = found["meaning"] if master else english.kind_alone(found["meaning"])
        if master or english.has_meaning(meaning):
            yield found["term"], meaning, line, Manner.IS


def judge(passage: Passage) -> Definition:
    """How well the passage defines, from the way it does so and from what it looks like."""
    text = passage.text
    length = len(text) * (3 if japanese.is_japanese(text) else 1)
    letters = sum(character.isalpha() or character == " " for character in text)
    score = _BASE[passage.manner] + (25 if passage.master else 0)
    score += 6 if 25 <= length <= _COMFORTABLE else 0
    score += 8 if _NOUN_OPENING.match(text) else 0
    score -= 40 if passage.manner is Manner.LABEL and english.is_statement(text) else 0
    score -= 25 if passage.manner is Manner.LABEL and not _names_a_thing(text) else 0
    score -= 5 if _NARROWED.match(text) else 0
    score -= 20 if length < 22 else 0
    score -= 20 if length < 14 else 0
    score -= (8 if passage.manner in _EXPLICIT else 24) if length > _COMFORTABLE else 0
    score -= 25 if _ALIEN_OPENING.match(text) else 0
    score -= 40 if text.endswith(("?", "？")) else 0
    score -= 40 if text.endswith((":", "：")) else 0
    score -= 40 if "://" in text else 0
    score -= 30 if letters < 0.7 * len(text) else 0
    score -= 12 if text.count("(") != text.count(")") or text.count("「") != text.count("」") else 0
    score -= 6 if re.search(r"\byou(?:r)?\b", text, re.I) else 0
    return Definition(text, passage.source, passage.manner, score, passage.master)


def _names_a_thing(text: str) -> bool:
    """Whether a label's text can be a noun with its mark; in a list of features it is mostly a claim."""
    return japanese.is_japanese(text) or bool(
        _NOUN_OPENING.match(text) or re.search(r"\b(?:of|that|which|who)\b", text)
    )


def lack_of(candidate: Candidate) -> str:
    """Why a term has no definition, for when `choose` finds none among its passages."""
    if not candidate.passages:
        is_field = Kind.DEFINED in candidate.kinds
        return "It labels one thing after another, as a form does." if is_field else "No document says what it is."
    best = max(candidate.passages, key=lambda passage: judge(passage).score)
    if best.manner is Manner.KEY:
        return f"{best.source} explains a key, a command or a label of that name, not the word."
    return f"What {best.source} says of it is no clear definition."


def choose(passages: tuple[Passage, ...]) -> tuple[Definition, ...]:
    """Those that define well enough, the best first; of equal ones the earlier. Repetitions are left out."""
    judged = sorted(
        (judge(passage) for passage in passages), key=lambda known: (-known.score, known.source, known.text)
    )
    distinct: dict[str, Definition] = {}
    for definition in judged:
        if definition.score >= GOOD_ENOUGH:
            distinct.setdefault(definition.text.casefold().rstrip(".。"), definition)
    return tuple(distinct.values())


def _bare(term: str) -> str:
    name = re.sub(r"\s*[(（][^()（）]*[)）]$", "", term.strip("\"'“”‘’「」『』` "))
    return re.sub(r"^(?:[Aa]n?|[Tt]he)\s+(?=\S)", "", name).rstrip(":：. ")


def _opens_as_noun(text: str) -> bool:
    return _NOUN_OPENING.match(plain(text)) is not None


def _predicate(name: str, meaning: str) -> str:
    """A meaning that is a sentence about its own term, cut down to what it says of it."""
    if pointing := _POINTING.match(meaning):
        return meaning[pointing.end() :]
    found = english.find_definition(meaning) or japanese.TOWA.match(meaning)
    return found["meaning"] if found and term_key(_bare(found["term"])) == term_key(name) else meaning


def _tidy(meaning: str, *, rambling: bool) -> str:
    """The meaning as an entry shows it: one or two sentences, a capital, a full stop.

    A paragraph may ramble on after its label: then only what speaks of the term is kept.
    """
    stripped = _REMARK.sub("", meaning.lstrip(" -–—:：").rstrip(" -–—"))
    sentences = [sentence.text for sentence in split_sentences(stripped, 1)]
    if not sentences:
        return ""
    text = sentences[0]
    on_topic = len(sentences) > 1 and not _ALIEN_OPENING.match(sentences[1])
    if on_topic and rambling:
        on_topic = sentences[1].startswith("Its ")
    if on_topic and len(text) + len(sentences[1]) < _COMFORTABLE:
        text = f"{text}{'' if text.endswith('。') else ' '}{sentences[1]}"
    text = _shortened(on_one_line(text))
    first = text.split()[0]
    if first.isalpha() and first.islower():
        text = text[0].upper() + text[1:]
    if japanese.is_japanese(text[-2:]):
        return text if text.endswith(("。", "！", "？", "…", "：", ":")) else f"{text}。"
    # A colon stays: what leads up to a list says nothing alone, and is judged so.
    return text if text.endswith((".", "!", "?", "…", "。", ":", "：")) else f"{text.rstrip(',;')}."


def _shortened(text: str) -> str:
    if len(text) <= MAX_LENGTH:
        return text
    edges = [max(text.rfind(mark, 120, MAX_LENGTH) for mark in marks) for marks in ("；;.。", ",、", " ")]
    cut = next((edge for edge in edges if edge > 0), MAX_LENGTH)
    return f"{text[:cut].rstrip()}…"
