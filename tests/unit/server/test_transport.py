"""Which writes to a socket are combined, and which are not."""

import asyncio
from typing import Any

import pytest

from solorun.server.transport import SLICE_BYTES, CoalescingTransport

HEAD = b"HTTP/1.1 200 OK\r\n\r\n"


class _Written(asyncio.Transport):
    """Records each write."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.objects: list[object] = []
        self.closing = False
        self.unsent_bytes = 0

    def write(self, data: "bytes | bytearray | memoryview[Any]") -> None:
        self.writes.append(bytes(data))
        self.objects.append(data)

    def is_closing(self) -> bool:
        return self.closing

    def get_write_buffer_size(self) -> int:
        return self.unsent_bytes

    def close(self) -> None:
        self.closing = True

    def abort(self) -> None:
        self.closing = True


@pytest.fixture
def written() -> _Written:
    return _Written()


async def test_a_head_and_the_data_after_it_are_one_write(written: _Written) -> None:
    transport = CoalescingTransport(written, asyncio.get_running_loop())

    transport.write(HEAD)
    transport.write(b"body")
    await asyncio.sleep(0)

    assert written.writes == [HEAD + b"body"]


async def test_a_head_without_data_is_written_in_the_next_iteration(written: _Written) -> None:
    transport = CoalescingTransport(written, asyncio.get_running_loop())

    transport.write(HEAD)
    await asyncio.sleep(0)

    assert written.writes == [HEAD]


async def test_data_without_a_head_is_written_immediately(written: _Written) -> None:
    transport = CoalescingTransport(written, asyncio.get_running_loop())

    transport.write(b"data: 1\n\n")

    assert written.writes == [b"data: 1\n\n"]


async def test_bytes_stay_in_order_even_if_they_look_like_a_head(written: _Written) -> None:
    transport = CoalescingTransport(written, asyncio.get_running_loop())

    for part in (b"1", HEAD, b"2", HEAD, b"3"):
        transport.write(part)
    await asyncio.sleep(0)
    transport.write(b"4")

    assert b"".join(written.writes) == b"1" + HEAD + b"2" + HEAD + b"3" + b"4"


async def test_a_large_response_is_written_in_several_turns(written: _Written) -> None:
    transport = CoalescingTransport(written, asyncio.get_running_loop())
    body = bytes(3 * SLICE_BYTES)

    transport.write(HEAD)
    transport.write(body)
    written_bytes = []
    for _ in range(4):
        await asyncio.sleep(0)
        written_bytes.append(sum(map(len, written.writes)))

    assert written_bytes == [SLICE_BYTES, 2 * SLICE_BYTES, 3 * SLICE_BYTES, len(HEAD + body)]


async def test_a_large_response_comes_before_the_next_one(written: _Written) -> None:
    transport = CoalescingTransport(written, asyncio.get_running_loop())
    body = bytes(3 * SLICE_BYTES)

    transport.write(HEAD)
    transport.write(body)
    await asyncio.sleep(0)
    transport.write(HEAD)
    transport.write_chunk(b"data: 1\n\n")
    for _ in range(4):
        await asyncio.sleep(0)

    assert b"".join(written.writes) == HEAD + body + HEAD + b"9\r\ndata: 1\n\n\r\n"


async def test_the_rest_of_a_large_response_is_buffered_when_the_socket_is_full(written: _Written) -> None:
    transport = CoalescingTransport(written, asyncio.get_running_loop())
    body = bytes(3 * SLICE_BYTES)
    written.unsent_bytes = 1

    transport.write(HEAD)
    transport.write(body)
    await asyncio.sleep(0)

    assert b"".join(written.writes) == HEAD + body


async def test_a_connection_closes_after_a_large_response(written: _Written) -> None:
    transport = CoalescingTransport(written, asyncio.get_running_loop())
    body = bytes(3 * SLICE_BYTES)

    transport.write(HEAD)
    transport.write(body)
    transport.close()
    closing_at_first = transport.is_closing(), written.closing
    for _ in range(4):
        await asyncio.sleep(0)

    assert closing_at_first == (True, False)
    assert (b"".join(written.writes), written.closing) == (HEAD + body, True)


async def test_the_rest_of_a_large_response_to_a_lost_client_is_dropped(written: _Written) -> None:
    transport = CoalescingTransport(written, asyncio.get_running_loop())

    transport.write(HEAD)
    transport.write(bytes(3 * SLICE_BYTES))
    await asyncio.sleep(0)
    written.closing = True
    for _ in range(4):
        await asyncio.sleep(0)

    assert sum(map(len, written.writes)) == SLICE_BYTES


@pytest.mark.parametrize("end", ["close", "abort"])
async def test_held_data_is_written_before_closing(written: _Written, end: str) -> None:
    transport = CoalescingTransport(written, asyncio.get_running_loop())

    transport.write(HEAD)
    getattr(transport, end)()

    assert written.writes == [HEAD]


@pytest.mark.parametrize("piece", [b"data: 1\n\n", memoryview(b"data: 1\n\ndata: 2\n\n")[9:]])
async def test_a_chunk_is_written_with_its_length_even_after_a_head(
    written: _Written, piece: "bytes | memoryview"
) -> None:
    transport = CoalescingTransport(written, asyncio.get_running_loop())

    transport.write(HEAD)
    transport.write_chunk(piece)
    await asyncio.sleep(0)
    for _ in range(3):
        transport.write_chunk(piece)

    chunk = b"9\r\n%b\r\n" % bytes(piece)
    assert b"".join(written.writes) == HEAD + 4 * chunk


async def test_a_shared_chunk_is_framed_once() -> None:
    loop = asyncio.get_running_loop()
    connections = [_Written() for _ in range(5)]
    transports = [CoalescingTransport(connection, loop) for connection in connections]
    first, second = b"data: %d\n\n" % 1, b"data: %d\n\n" % 2

    for piece in (first, second, first):
        for transport in transports:
            transport.write_chunk(piece)

    for connection in connections:
        assert b"".join(connection.writes) == b"9\r\ndata: 1\n\n\r\n9\r\ndata: 2\n\n\r\n9\r\ndata: 1\n\n\r\n"
    shared = {id(connection.objects[-1]) for connection in connections[1:]}
    assert len(shared) == 1


async def test_an_empty_chunk_is_not_written(written: _Written) -> None:
    transport = CoalescingTransport(written, asyncio.get_running_loop())

    transport.write_chunk(b"")
    transport.write(HEAD)
    transport.write_chunk(b"")
    await asyncio.sleep(0)

    assert written.writes == [HEAD]


async def test_no_chunk_is_written_to_a_closing_connection(written: _Written) -> None:
    transport = CoalescingTransport(written, asyncio.get_running_loop())
    written.closing = True

    transport.write_chunk(b"data: 1\n\n")

    assert written.writes == []
