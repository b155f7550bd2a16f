"""Cursors of paged lists, opaque to clients. Each carries a version, so that its format can change."""

import base64
import binascii
from typing import Annotated, Final

from msgspec import Meta

from solorun.api.path_parameters import parse_id
from solorun.errors import InvalidCursor

Cursor = Annotated[
    str, Meta(description="The `next_cursor` of the previous page.", extra_json_schema={"format": "cursor"})
]

_VERSION: Final = "1:"


def encode_cursor(position: str) -> str:
    """A cursor for the items after this position."""
    return base64.urlsafe_b64encode((_VERSION + position).encode()).decode("ascii").rstrip("=")


def decode_cursor(cursor: str) -> str:
    """The inverse of `encode_cursor`. Raises InvalidCursor."""
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise InvalidCursor from None
    if not text.startswith(_VERSION):
        raise InvalidCursor
    return text.removeprefix(_VERSION)


def decode_id_cursor(cursor: str) -> int:
    """The id whose item the page follows. Raises InvalidCursor."""
    return parse_id(decode_cursor(cursor), InvalidCursor)
