"""Commands whose standard input, output or error is closed or cannot be written."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from solorun.client import RunClient
from solorun.errors import ServiceUnreachable
from solorun.status import Status
from tests.fakes.project_toml import project_toml
from tests.fakes.running_service import free_port

TOML = project_toml("hello", {"hello": "echo hello; echo warning >&2; cat"})


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
async def test_a_service_with_closed_descriptors_runs_and_stops_cleanly(tmp_path: Path, closed: str) -> None:
    (tmp_path / "solorun.toml").write_text(TOML)
    port = free_port()

    async with _shell(f"exec {sys.executable} -m solorun serve --port {port} {closed}", tmp_path) as service:
        async with RunClient(f"http://127.0.0.1:{port}") as client:
            await _until_it_answers(client, service)
            run = await client.wait_for_run((await client.start_run("hello")).id)
        service.send_signal(signal.SIGTERM)
        out, err = await asyncio.wait_for(service.communicate(), 60)

    assert run.status is Status.COMPLETED
    assert service.returncode == 0
    assert b"Traceback" not in out + err


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-"])
@pytest.mark.parametrize(("command", "code"), [("--version", 0), ("check", 2)])
async def test_a_command_with_closed_descriptors_keeps_its_exit_code(
    tmp_path: Path, command: str, code: int, closed: str
) -> None:
    async with _shell(f"exec {sys.executable} -m solorun {command} {closed}", tmp_path) as process:
        out, err = await asyncio.wait_for(process.communicate(), 60)

    assert process.returncode == code
    assert b"Traceback" not in out + err


@pytest.mark.parametrize("arguments", ["--version", "--help", "start --help"])
@pytest.mark.parametrize("buffering", ["", "1"])
async def test_help_for_a_reader_that_has_left_ends_silently(tmp_path: Path, arguments: str, buffering: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "solorun", *arguments.split()),
        stdout=writer,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": buffering},
        cwd=tmp_path,
    )
    os.close(writer)
    _, err = await asyncio.wait_for(process.communicate(), 60)

    assert (process.returncode, err) == (141, b"")


@pytest.mark.parametrize(("arguments", "code"), [("--version", 2), ("init", 2), ("check", 2)])
async def test_output_to_a_full_disk_is_one_sentence(tmp_path: Path, arguments: str, code: int) -> None:
    async with _shell(f"exec {sys.executable} -m solorun {arguments} >/dev/full", tmp_path) as process:
        _, err = await asyncio.wait_for(process.communicate(), 60)

    assert process.returncode == code
    assert len(err.splitlines()) == 1


@asynccontextmanager
async def _shell(script: str, cwd: Path) -> AsyncGenerator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_shell(
        script,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=cwd,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def _until_it_answers(client: RunClient, service: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(60):
        while service.returncode is None:
            try:
                await client.list_projects()
            except ServiceUnreachable:
                await asyncio.sleep(0.05)
            else:
                return
