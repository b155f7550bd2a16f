"""Fits text into records: one line each, within the limit in bytes, and encodable."""

from collections.abc import Iterator

from solorun.record import MAX_MESSAGE_BYTES, cut_message


def clip_message(text: str) -> str:
    """`text` on one line, cut to what fits into one record."""
    return text.encode("utf-8", "replace")[:MAX_MESSAGE_BYTES].decode("utf-8", "ignore").replace("\n", " ")


def split_message(text: str, *, partial: bool) -> Iterator[tuple[str, bool]]:
    """The messages that `text` is stored as: its lines, in pieces that fit, each with whether its line continues.

    `partial` says whether the last line of `text` continues.
    """
    *lines, last = text.split("\n")
    for line in lines:
        yield from split_message(line, partial=False)
    *pieces, end = cut_message(last)
    yield from ((piece, True) for piece in pieces)
    yield end, partial
