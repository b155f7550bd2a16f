"""Reads a log that is downloaded as lines of JSON."""

from collections.abc import AsyncGenerator

from solorun.client.transport import Connection, Query
from solorun.record import Record
from solorun.wire import decode_records


async def download_log(connection: Connection, path: str, query: Query) -> AsyncGenerator[list[Record]]:
    """Yield the records at `path` in batches, as they arrive."""
    unfinished: list[bytes] = []
    async for chunk in connection.stream(path, query=query):
        lines, newline, rest = chunk.rpartition(b"\n")
        if newline:
            yield connection.decode(decode_records, b"".join([*unfinished, lines]))
            unfinished = []
        unfinished.append(rest)
