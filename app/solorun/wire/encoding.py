"""The one JSON encoding."""

from typing import Final

import msgspec

from solorun.record import Record
from solorun.run import Run

_encoder: Final = msgspec.json.Encoder()

encode = _encoder.encode
"""A value as JSON bytes, its members in the order of its fields."""
encode_records = _encoder.encode_lines
"""NDJSON with a final newline: a segment's payload."""
decode_run = msgspec.json.Decoder(Run).decode
decode_records = msgspec.json.Decoder(Record).decode_lines
"""The records in NDJSON bytes."""


def is_encodable(text: str) -> bool:
    """Whether `text` can be sent: a lone surrogate, as an undecodable file name has, is not UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
