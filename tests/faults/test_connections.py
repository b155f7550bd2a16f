"""Idle connections, incomplete requests and oversized requests: other clients are served meanwhile."""

import asyncio
import contextlib
import socket
from pathlib import Path

import pytest

from tests.faults.conftest import MakeTrials
from tests.faults.raw_stream import read_to_end, status_of
from tests.faults.service_trial import ServiceTrial, service_trial
from tests.faults.trial import until

HALVES = (
    b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Half: ",
    b"POST /api/v1/projects/quick/runs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    b"Content-Length: 100\r\n\r\n{",
)


@pytest.mark.needs(minutes=1)
async def test_idle_and_half_sent_connections_are_closed_and_other_clients_are_served(
    trials: MakeTrials, tmp_path: Path
) -> None:
    tried = trials("P16", "10,000 idle connections and 1,000 half-sent requests", short=1, goal=11_000)
    idle, half = (10_000, 1_000) if tried.is_long else (1_500, 300)
    async with service_trial(tmp_path / "trial", {"quick": "echo done"}) as trial:
        for _ in tried:
            with contextlib.ExitStack() as stack:
                opened = [stack.enter_context(await _connect(trial)) for _ in range(idle)]
                for number in range(half):
                    sock = stack.enter_context(await _connect(trial))
                    sock.send(HALVES[number % len(HALVES)])
                    opened.append(sock)
                run = await trial.run_to_end("quick")
                served = 0
                async with asyncio.timeout(120):
                    while any(map(_is_open, opened)):
                        assert (await trial.client.get(f"{trial.service.url}/livez")).status_code == 200
                        served += 1
                        await asyncio.sleep(0.05)
            tried.notes = f"{served:,} requests answered before the last of them was closed"
            tried.judge([], tried=idle + half)
            assert run.status == "completed"


REQUESTS = {
    "a giant header": (b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Giant: " + b"x" * 5_000_000, 431),
    "many headers": (b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n" + b"X-Many: x\r\n" * 50_000, 431),
    "a giant URL": (b"GET /" + b"x" * 5_000_000 + b" HTTP/1.1\r\n", 431),
    "a body declared too large": (
        b"POST /api/v1/projects/quick/runs HTTP/1.1\r\nHost: 127.0.0.1:8700\r\nContent-Type: application/json\r\n"
        b"Content-Length: 99999999\r\n\r\n" + b" " * 2_000_000, 413),
    "a body that never ends": (
        b"POST /api/v1/projects/quick/runs HTTP/1.1\r\nHost: 127.0.0.1:8700\r\nContent-Type: application/json\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n" + (b"10000\r\n" + b" " * 65_536 + b"\r\n") * 41, 413),
    "no HTTP at all": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)), 400),
}  # fmt: skip


async def test_oversized_requests_are_refused_and_leave_no_memory_in_use(tmp_path: Path) -> None:
    async with service_trial(tmp_path / "trial", {"quick": "echo done"}) as trial:
        before = _resident_bytes(trial.service.pid)

        for request, status in REQUESTS.values():
            answers = await asyncio.gather(*(_send_and_read(trial, request) for _ in range(20)))

            # A client that is still sending may see a reset before it can read the response.
            assert {status_of(answer) for answer in answers} <= {status, 0}
        assert _resident_bytes(trial.service.pid) - before < 64 * 2**20
        assert (await trial.run_to_end("quick")).status == "completed"


async def test_running_out_of_file_descriptors_is_temporary_and_harms_no_run(tmp_path: Path) -> None:
    async with service_trial(tmp_path / "trial", {"quick": "echo done", "slow": "sleep 2; echo done"}) as trial:
        running = await trial.start("slow")
        assert running is not None
        await until(lambda: trial.recorded_pids(running))
        _limit_descriptors(trial.service.pid, 64)

        with contextlib.ExitStack() as stack:
            for _ in range(200):
                stack.enter_context(await _connect(trial))
            await asyncio.sleep(1)

        async with asyncio.timeout(60):
            end = await trial.follow(running)
        assert end is not None
        assert end.status == "completed"
        assert (await trial.run_to_end("quick")).status == "completed"
        assert await trial.audit() == []


async def _connect(trial: ServiceTrial) -> socket.socket:
    sock = socket.socket()
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", trial.service.port))
    return sock


def _is_open(sock: socket.socket) -> bool:
    """True until the service closes the connection."""
    try:
        while sock.recv(4096):
            pass
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


async def _send_and_read(trial: ServiceTrial, request: bytes) -> bytes:
    sock = await _connect(trial)
    with contextlib.suppress(ConnectionError):
        await asyncio.wait_for(asyncio.get_running_loop().sock_sendall(sock, request), 60)
    return await read_to_end(sock)


def _limit_descriptors(pid: int, count: int) -> None:
    import resource

    _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (count, hard))


def _resident_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096
