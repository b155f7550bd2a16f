"""A minimal HTTP client: one request per connection, cheap enough for many at the same time."""

import asyncio
import json
from typing import Any


async def post(port: int, path: str, body: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
    """POST on a new connection. Returns the status and the decoded JSON."""
    content = b"" if body is None else json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(head.encode() + content)
        answer = await reader.read()
    finally:
        writer.close()
    head_bytes, _, answer_body = answer.partition(b"\r\n\r\n")
    return int(head_bytes.split()[1]), json.loads(answer_body)
