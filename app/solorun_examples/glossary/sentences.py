"""Cuts a block's text into sentences, each with its line; knows the ends of English and Japanese ones."""

import re
from typing import Final, NamedTuple


class Sentence(NamedTuple):
    text: str
    line: int


# In notes a line may end without a full stop, and the next one define something else.
_END: Final = re.compile(
    r"[。！？](?:[」』）)]*)|[.!?][\"'”’)\]]*(?=\s+[\"'“‘(\[*`_]*[A-Z0-9\u3040-\u30ff\u4e00-\u9fff])"
    r"|(?<=[a-z]{3})[.!?](?=\s+[a-z])"
    r"|(?<=[\w)])(?=\n(?:(?:An?|The) [\w-]+|[A-Z][\w-]+)(?: [\w-]+){0,2} (?:is|are|means|refers to) (?:an?|the)\s)"
)
_ABBREVIATION: Final = re.compile(
    r"(?:^|[\s(\[])(?:e\.g|i\.e|etc|vs|cf|approx|resp|incl|excl|esp|min|max|"
    r"fig|vol|sec|Dr|Mr|Mrs|Ms|Prof|St|Fig|No|Nos|Sec|Vol|(?<!\d )[A-Z])\.$"
)
_LINE_END: Final = re.compile(r"\s*\n\s*")
_BETWEEN_JAPANESE: Final = re.compile(
    r"(?<=[\u3000-\u30ff\u4e00-\u9fff\uff00-\uffef])\n(?=[\u3000-\u30ff\u4e00-\u9fff\uff00-\uffef])"
)


def split_sentences(text: str, line: int) -> list[Sentence]:
    """`text` begins on `line`; a sentence's line is where it begins itself."""
    sentences = []
    begin = 0
    for end in _END.finditer(text):
        if end.group().startswith(".") and _ABBREVIATION.search(text[begin : end.start() + 1]):
            continue
        sentences.append(_sentence(text, begin, end.end(), line))
        begin = end.end()
    sentences.append(_sentence(text, begin, len(text), line))
    return [sentence for sentence in sentences if sentence.text]


def on_one_line(text: str) -> str:
    """Line ends become spaces, and nothing between Japanese characters."""
    return _BETWEEN_JAPANESE.sub("", _LINE_END.sub("\n", text.strip())).replace("\n", " ")


def _sentence(text: str, begin: int, end: int, line: int) -> Sentence:
    part = text[begin:end]
    skipped = begin + len(part) - len(part.lstrip())
    return Sentence(on_one_line(part), line + text.count("\n", 0, skipped))
