"""Recognizes the level of a line that a command printed, by the shapes that loggers and compilers use."""

import re
from collections.abc import Sequence
from typing import Final

import msgspec
from ahocorasick_rs import BytesAhoCorasick, MatchKind

from solorun.record import Level

_MAX_CHARACTERS: Final = 200
_MAX_WORDS: Final = 7
_SGR: Final = re.compile(r"\x1b\[[0-9;:]*m")
_BRACKETS: Final = "[]()<>|:,!"
_FAILURE: Final = re.compile(
    r"E   |FAILED | ?FAIL[:\s]|--- FAIL: |npm error |Exception in thread |thread '[^']*' (?:\(\d+\) )?panicked at "
)
"""Of pytest, unittest, Go, Jest, Vitest, npm, Java and Rust."""
_NPM_WARNING: Final = "npm warn "
_KEYS: Final = frozenset({"level", "lvl", "severity", "loglevel"})
_LEVELS: Final = {
    **dict.fromkeys(("error", "err", "fatal", "critical", "crit", "panic", "severe", "alert", "emerg"), Level.ERROR),
    **dict.fromkeys(("warning", "warn"), Level.WARNING),
    **dict.fromkeys(("info", "notice"), Level.INFO),
    **dict.fromkeys(("debug", "trace"), Level.DEBUG),
}
# Bytes are searched ten times faster than a text, and with this kind several times faster than with the default.
_HINTS: Final = BytesAhoCorasick(
    [b"err", b"fatal", b"crit", b"panic", b"severe", b"alert", b"emerg", b"warn", b"debug", b"trace", b"fail",
     b"exception", b'"level', b"e   "],
    matchkind=MatchKind.LeftmostFirst,
)  # fmt: skip
"""A line without any of these, in lower case, has no level other than info."""


class _JsonLine(msgspec.Struct):
    """The members in which pino, structlog, logback and the cloud providers write a level."""

    level: str | float | None = None
    severity: str | float | None = None
    levelname: str | None = None


_decoder = msgspec.json.Decoder(_JsonLine)


def detect_levels(lines: Sequence[str]) -> list[Level] | None:
    """The level of each line; None if all are `info`."""
    text = b"%s\n" % "\n".join(lines).encode().lower()
    found = _HINTS.find_matches_as_indexes(text)
    if not found:
        return None
    levels = [Level.INFO] * len(lines)
    index = end = 0
    for _, start, _ in found:
        if start >= end:  # the first hint of its line
            index += text.count(b"\n", end, start)
            end = text.index(b"\n", start)
            levels[index] = _detect_level(lines[index])
    return levels


def _detect_level(line: str) -> Level:
    if line.startswith("{"):
        return _level_of_json(line)
    head = line[:_MAX_CHARACTERS]
    if "\x1b" in head:
        head = _SGR.sub("", head)
    if _FAILURE.match(head):
        return Level.ERROR
    if head.startswith(_NPM_WARNING):
        return Level.WARNING
    before = ""
    for word in head.split(maxsplit=_MAX_WORDS)[:_MAX_WORDS]:
        level = _level_of_word(word, before)
        if level is not None:
            return level
        before = word
    return Level.INFO


def _level_of_word(word: str, before: str) -> Level | None:
    """`ERROR`, `[error]` and `level=error`; `error:` or `error[E0308]:` first or after a place; `ValueError:` first."""
    key, equals, value = word.partition("=")
    if equals:
        return _LEVELS.get(value.strip('"').lower()) if key.lower() in _KEYS else None
    bare = word.strip(_BRACKETS).partition(":")[0].partition("[")[0]
    level = _LEVELS.get(bare.lower())
    if level is not None and (bare.isupper() or word[0] in "[<(" or (word[-1] == ":" and before[-1:] in ("", ":"))):
        return level
    return Level.ERROR if not before and word.endswith(("Error:", "Exception:")) else None


def _level_of_json(line: str) -> Level:
    try:
        found = _decoder.decode(line)
    except (msgspec.DecodeError, RecursionError):
        return Level.INFO
    level = found.level or found.severity or found.levelname
    if isinstance(level, str):
        return _LEVELS.get(level.lower(), Level.INFO)
    if level is None:
        return Level.INFO
    # pino and bunyan: 20 debug, 30 info, 40 warn, 50 error, 60 fatal
    return Level.DEBUG if level < 30 else Level.INFO if level < 40 else Level.WARNING if level < 50 else Level.ERROR
