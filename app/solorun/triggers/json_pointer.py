"""Follows JSON pointers (RFC 6901)."""

import re
from typing import Any, Final

_INDEX: Final = re.compile(r"0|[1-9][0-9]{0,8}", re.ASCII)


def resolve(document: Any, pointer: str) -> Any:
    """The value at the pointer. None if there is none, or if it is null."""
    for token in pointer.split("/")[1:]:
        document = _member(document, token.replace("~1", "/").replace("~0", "~"))
    return document


def _member(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return value.get(name)
    if isinstance(value, list) and _INDEX.fullmatch(name) and int(name) < len(value):
        return value[int(name)]
    return None
