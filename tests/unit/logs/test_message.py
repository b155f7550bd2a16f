"""How text is split into records."""

from solorun.record import MAX_MESSAGE_BYTES, split_message


def test_a_line_is_cut_between_characters() -> None:
    text = "x" + "é" * MAX_MESSAGE_BYTES

    pieces = list(split_message(text, partial=False))

    assert "".join(piece for piece, _ in pieces) == text
    assert [(len(piece.encode()), continues) for piece, continues in pieces] == [
        (MAX_MESSAGE_BYTES - 1, True),
        (MAX_MESSAGE_BYTES, True),
        (2, False),
    ]


def test_a_very_long_line_is_read_once() -> None:
    text = "x" * 100_000_000  # a copy of the rest for each piece would take longer than a test may

    assert sum(len(piece) for piece, _ in split_message(text, partial=False)) == len(text)
