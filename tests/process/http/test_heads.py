"""The default headers of responses, as the server sends them."""

from collections import Counter

import pytest

from solorun.api.application import DEFAULT_HEADERS
from tests.fakes.http_server import OpenServer

DEFAULT_NAMES = [name for name, _ in DEFAULT_HEADERS]


def fields_of(head: bytes) -> list[tuple[bytes, bytes]]:
    status, *lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    assert status.startswith(b"HTTP/1.1 ")
    return [(line.partition(b": ")[0].lower(), line.partition(b": ")[2]) for line in lines]


@pytest.mark.parametrize(
    ("path", "own"),
    [
        ("/livez", []),
        ("/nowhere", []),
        ("/api/v1/runs/99", []),
        ("/api/v1/events", [b"cache-control"]),
    ],
)
async def test_every_response_has_each_security_header_once(
    open_server: OpenServer, path: str, own: list[bytes]
) -> None:
    async with open_server() as server, server.connect() as connection:
        await connection.get(path)

        fields = fields_of(await connection.read_until(b"\r\n\r\n"))

    counts = Counter(name for name, _ in fields)
    assert [counts[name] for name in DEFAULT_NAMES] == [1] * len(DEFAULT_NAMES)
    assert set(DEFAULT_HEADERS) - set(fields) == {header for header in DEFAULT_HEADERS if header[0] in own}


async def test_responses_on_one_connection_have_their_own_heads(open_server: OpenServer) -> None:
    request = b"GET %b HTTP/1.1\r\nhost: localhost\r\n\r\n"
    async with open_server() as server, server.connect() as connection:
        await connection.send(request % b"/livez" + request % b"/nowhere" + request % b"/livez")

        heads = []
        for _ in range(3):
            heads.append(await connection.read_until(b"\r\n\r\n"))
            await connection.read_until(b"}")

    assert [head.split()[1] for head in heads] == [b"200", b"404", b"200"]
    assert [set(DEFAULT_HEADERS) <= set(fields_of(head)) for head in heads] == [True] * 3


async def test_a_head_after_100_continue_is_complete(open_server: OpenServer) -> None:
    body = b"{}"
    async with open_server() as server, server.connect() as connection:
        await connection.send(
            b"POST /api/v1/projects/nowhere/runs HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
            b"expect: 100-continue\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
        )

        first = await connection.read_until(b"\r\n\r\n")
        second = await connection.read_until(b"\r\n\r\n")

    assert first == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert set(DEFAULT_HEADERS) <= set(fields_of(second))
