"""A fake OpenAI-compatible endpoint: a real server on a loopback socket that answers as a test tells it to."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Reply:
    """What the endpoint answers. `hangs`: it takes the question, and never answers."""

    status: int = 200
    body: str = ""
    headers: tuple[str, ...] = ()
    hangs: bool = False


Behaviour = Callable[[int, str], Reply]
"""The number of the request (from 0) and the user's question → the reply."""


def completion(content: object) -> Reply:
    """A chat completion whose message is `content`, as JSON unless it is text already."""
    text = content if isinstance(content, str) else json.dumps(content)
    return Reply(body=json.dumps({"choices": [{"message": {"role": "assistant", "content": text}}]}))


@dataclass(slots=True)
class FakeEndpoint:
    """Counts what happens to it; `closed` counts the connections that the other side has closed."""

    behaviour: Behaviour
    url: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    open: int = 0
    most_open: int = 0
    hanging: asyncio.Event = field(default_factory=asyncio.Event)
    all_closed: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        self.all_closed.clear()
        try:
            while await self._answer(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            self.open -= 1
            if not self.open:
                self.all_closed.set()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
        headers = {name.lower(): value for name, value in fields.items()}
        content = json.loads(await reader.readexactly(int(headers["content-length"])))
        number = len(self.requests)
        self.requests.append(content)
        self.keys.append(headers.get("authorization", ""))
        reply = self.behaviour(number, content["messages"][-1]["content"])
        if reply.hangs:
            self.hanging.set()
            return bool(await reader.read(1))
        body = reply.body.encode()
        lines = [f"HTTP/1.1 {reply.status} Whatever", f"Content-Length: {len(body)}", *reply.headers]
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        await writer.drain()
        return True
