"""A complete log sent to one reader, against sendfile of the same bytes."""

import time
from pathlib import Path

from tests.benchmarks.load import LINE_FEEDS_PER_RECORD, open_streams
from tests.benchmarks.measuring import Goal, Result, Scale, compare
from tests.benchmarks.records import flood
from tests.benchmarks.serving import limit, ours

LINES = 1_000_000


async def replay(scale: Scale) -> list[Result]:
    """1,000,000 lines as server-sent events, and as NDJSON."""
    lines = scale.lines(LINES) // 100 * 100
    async with ours() as service:
        run = await flood(service, lines)
        address, records = f"/api/v1/runs/{run['id']}", lines + 2
        directory = service.service.directory
        forms = (
            ("SSE", f"{address}/events", 3 + LINE_FEEDS_PER_RECORD * (records + 1), Goal(at_most=3)),
            ("NDJSON", f"{address}/log.ndjson", records, Goal(at_most=1.5)),
        )
        results = []
        for form, path, line_feeds, goal in forms:
            copy = await _copy(service.port, path, line_feeds, directory / form)
            with limit("file", str(copy)) as file:

                async def mine(path: str = path, line_feeds: int = line_feeds) -> float:
                    return await _read(service.port, path, line_feeds)

                async def theirs(port: int = file.port, line_feeds: int = line_feeds) -> float:
                    return await _read(port, "/", line_feeds)

                name = f"replay of {lines:,} lines, {form}"
                results.append(await compare(name, "s", goal, mine, theirs, scale=scale))
        return results


async def _copy(port: int, path: str, line_feeds: int, target: Path) -> Path:
    """Write the response to a file as it was sent. Its head and chunk boundaries make no difference here."""
    received: list[bytes] = []
    await _read(port, path, line_feeds, received)
    target.write_bytes(b"".join(received))
    return target


async def _read(port: int, path: str, line_feeds: int, received: list[bytes] | None = None) -> float:
    """The seconds until the complete response is received."""
    began = time.perf_counter()
    (reader,) = await open_streams(port, path, 1, listen=None if received is None else received.append)
    await reader.until(lambda: reader.line_feeds >= line_feeds)
    seconds = time.perf_counter() - began
    reader.transport.abort()
    return seconds
