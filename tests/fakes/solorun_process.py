"""Real processes of the command line: commands, and services that can be killed and restarted."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from solorun.projects import Catalog
from solorun.server import serve
from solorun.settings import Settings
from tests.fakes.patience import PATIENT_LIMITS

LIMIT_SECONDS = 60.0

FAST_DEMO = """\
import importlib, sys
from solorun.cli import main
importlib.import_module("solorun.cli.commands.demo").PACE_SECONDS = 0
sys.exit(main(sys.argv[1:]))
"""
"""A program: `solorun demo` with a run that is as fast as with `--exit`."""


@dataclass(frozen=True)
class Finished:
    """The exit code and output of a command."""

    code: int
    out: str
    err: str


class Command:
    """A running command."""

    def __init__(
        self, process: asyncio.subprocess.Process, stdout: asyncio.StreamReader, pipe: asyncio.ReadTransport
    ) -> None:
        self.process = process
        self._stdout = stdout
        self._pipe = pipe
        self._out: list[str] = []
        self._err: list[str] = []

    async def until_stdout_shows(self, text: str) -> str:
        """Wait for a line of output that contains `text`, and return it."""
        return await self._until(text, self._stdout, self._out)

    async def until_stderr_shows(self, text: str) -> str:
        """Wait for a line on stderr that contains `text`, and return it."""
        return await self._until(text, self.process.stderr, self._err)

    async def _until(self, text: str, stream: asyncio.StreamReader | None, lines: list[str]) -> str:
        assert stream is not None
        async with asyncio.timeout(LIMIT_SECONDS):
            while line := (await stream.readline()).decode():
                lines.append(line)
                if text in line:
                    return line
        raise AssertionError(f"{text!r} never appeared: {await self.finish()}")

    def interrupt(self) -> None:
        """Send SIGINT, as Ctrl-C does."""
        self.process.send_signal(signal.SIGINT)

    async def finish(self) -> Finished:
        """Wait until the command exits."""
        async with asyncio.timeout(LIMIT_SECONDS):
            out, (_, err) = await asyncio.gather(self._stdout.read(), self.process.communicate())
        code = self.process.returncode
        assert code is not None
        return Finished(code, "".join(self._out) + out.decode(), "".join(self._err) + err.decode())

    async def finish_unread(self) -> Finished:
        """Close the pipe that reads its output, and wait until it exits."""
        assert self.process.stderr is not None
        self._pipe.close()
        async with asyncio.timeout(LIMIT_SECONDS):
            code = await self.process.wait()
            return Finished(code, "".join(self._out), (await self.process.stderr.read()).decode())


@asynccontextmanager
async def solorun(
    *arguments: str, program: Sequence[str] = ("-m", "solorun"), env: Mapping[str, str] | None = None, cwd: Path
) -> AsyncGenerator[Command]:
    """Run `solorun ...` as a process, killed at the end of the block. `program` replaces the Python program."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SOLORUN_")}
    # A pipe of our own: asyncio has no public way to close the read end of a subprocess's pipe.
    reading, writing = os.pipe()
    stdout = asyncio.StreamReader()
    pipe, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(stdout), os.fdopen(reading, "rb")
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *program,
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=writing,
        stderr=asyncio.subprocess.PIPE,
        env={**inherited, **(env or {})},
        cwd=cwd,
    )
    os.close(writing)
    try:
        yield Command(process, stdout, pipe)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
        pipe.close()


async def run_solorun(*arguments: str, env: Mapping[str, str] | None = None, cwd: Path) -> Finished:
    """Run `solorun ...` until it exits."""
    async with solorun(*arguments, env=env, cwd=cwd) as command:
        return await command.finish()


class ServiceProcess:
    """A `solorun serve` at `url`. It can be stopped and restarted with the same port and data."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.url = ""
        self._process: asyncio.subprocess.Process | None = None

    async def begin(self) -> None:
        port = self.url.rpartition(":")[2] or "0"
        with (self.directory / "serve.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "solorun", "serve", "--port", port),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                cwd=self.directory,
            )
        assert self._process.stdout is not None
        async with asyncio.timeout(LIMIT_SECONDS):
            line = (await self._process.stdout.readline()).decode()
        assert " at http://" in line, line + (self.directory / "serve.log").read_text()
        self.url = line.partition(" at ")[2].split()[0]

    async def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal, wait until the process exits and return its exit code."""
        process, self._process = self._process, None
        assert process is not None
        process.send_signal(number)
        async with asyncio.timeout(LIMIT_SECONDS):
            await process.communicate()
        assert process.returncode is not None
        return process.returncode

    async def close(self) -> None:
        if self._process is not None:
            await self.end(signal.SIGTERM)


@asynccontextmanager
async def serving(directory: Path, toml: str) -> AsyncGenerator[ServiceProcess]:
    """A service with these projects, stopped at the end of the block."""
    (directory / "solorun.toml").write_text(toml)
    service = ServiceProcess(directory)
    await service.begin()
    try:
        yield service
    finally:
        await service.close()


@asynccontextmanager
async def serving_here(directory: Path, toml: str, **settings: Any) -> AsyncGenerator[str]:
    """The same in this process, which starts faster. Yields the service's URL."""
    (directory / "solorun.toml").write_text(toml)
    catalog = Catalog.open(directory / "solorun.toml")
    all_settings = Settings(data_dir=directory / "data", port=0, shutdown_limit_seconds=10, **settings)
    url: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    stop = asyncio.Event()
    task = asyncio.create_task(serve(all_settings, catalog, started=url.set_result, stop=stop, limits=PATIENT_LIMITS))
    try:
        async with asyncio.timeout(LIMIT_SECONDS):
            await asyncio.wait((task, url), return_when=asyncio.FIRST_COMPLETED)
        yield url.result()
    finally:
        stop.set()
        await task
