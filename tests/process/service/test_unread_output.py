"""A service whose stdout or stderr is not read keeps working."""

import asyncio
import fcntl
import os
import pty
import signal
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from solorun.client import RunClient
from solorun.status import Status
from tests.fakes.project_toml import Call, project_toml
from tests.fakes.running_service import free_port

RUNS = 40
TOML = project_toml("quick", {"nothing": Call("quick:nothing")})
# Each run writes to both streams, as a library that a step uses might.
MODULE = """
import logging, sys

async def nothing(context):
    print("x" * 2000)
    print("x" * 2000, file=sys.stderr)
    logging.getLogger("library").warning("y" * 2000)
"""


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
@pytest.mark.parametrize("kind", ["pipe", "terminal"])
async def test_a_stream_that_is_not_read_stops_neither_runs_nor_the_shutdown(
    tmp_path: Path, stream: str, kind: str
) -> None:
    (tmp_path / "solorun.toml").write_text(TOML)
    (tmp_path / "quick.py").write_text(MODULE)
    port = free_port()
    with _unread(kind) as unread:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "solorun", "serve", "--port", str(port)),
            cwd=tmp_path,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=unread if stream == "stdout" else asyncio.subprocess.DEVNULL,
            stderr=unread if stream == "stderr" else asyncio.subprocess.DEVNULL,
        )
        try:
            async with asyncio.timeout(120), RunClient(f"http://127.0.0.1:{port}") as client:
                await _until_live(port)
                statuses = [
                    (await client.wait_for_run((await client.start_run("quick")).id)).status for _ in range(RUNS)
                ]
                await _until_live(port)
            process.send_signal(signal.SIGTERM)
            code = await asyncio.wait_for(process.wait(), 60)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    assert statuses == [Status.COMPLETED] * RUNS
    assert code == 0


@contextmanager
def _unread(kind: str) -> Iterator[int]:
    """The writing end of a pipe or terminal whose other end is open, but never read."""
    if kind == "pipe":
        reader, writer = os.pipe()
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    else:
        reader, writer = pty.openpty()
        # As Ctrl-S does.
        termios.tcflow(writer, termios.TCOOFF)
    try:
        yield writer
    finally:
        os.close(reader)
        os.close(writer)


async def _until_live(port: int) -> None:
    async with asyncio.timeout(60), httpx.AsyncClient(trust_env=False, timeout=60) as http:
        while True:
            try:
                answer = await http.get(f"http://127.0.0.1:{port}/livez")
            except httpx.ConnectError:
                await asyncio.sleep(0.05)
            else:
                assert answer.status_code == 200
                return
