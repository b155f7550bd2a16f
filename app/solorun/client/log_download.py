"""Reads a log that is downloaded as lines of JSON."""

from collections.abc import AsyncGenerator
from typing import Final

from solorun.client.transport import Connection, Query
from solorun.record import Record
from solorun.wire import decode_records

MAX_LINE_BYTES: Final = 64 * 1024 * 1024


async def download_log(connection: Connection, path: str, query: Query) -> AsyncGenerator[list[Record]]:
    """Yield the records at `path` in batches, as they arrive. Raises UnreadableAnswer, also for a line without end."""
    unfinished: list[bytes] = []
    async for chunk in connection.stream(path, query=query):
        lines, newline, rest = chunk.rpartition(b"\n")
        if newline:
            yield connection.decode(decode_records, b"".join([*unfinished, lines]))
            unfinished = []
        unfinished.append(rest)
        if sum(map(len, unfinished)) > MAX_LINE_BYTES:
            raise connection.unreadable()
