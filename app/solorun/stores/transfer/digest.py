"""A digest of rows in any order: databases sort text differently."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, Final

import msgspec

_BYTES: Final = 16

_encode: Final = msgspec.msgpack.Encoder().encode


class Digest:
    """The number of the rows that were added, and the sum of their hashes."""

    def __init__(self) -> None:
        self.count = 0
        self._sum = 0

    def add(self, row: Sequence[Any]) -> None:
        self.count += 1
        self._sum += int.from_bytes(blake2b(_encode(row), digest_size=_BYTES).digest())

    @property
    def value(self) -> tuple[int, int]:
        """Equal for equal rows."""
        return self.count, self._sum % (1 << 8 * _BYTES)
