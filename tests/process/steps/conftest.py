"""Real commands under real shims."""

import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest

from solorun.project import CommandStep, Project
from solorun.step import StepContext, StepExecution
from solorun.steps import StepDispatcher, become_subreaper
from solorun.steps.command_limits import CommandLimits
from solorun.steps.rlimits import INHERITED_SOFT_LIMIT
from solorun.steps.shim_process import SHIM_PROGRAM
from solorun.steps.watchdog import Watchdog
from tests.fakes.step_output import RecordedOutput
from tests.process.steps.processes import eventually
from tests.process.steps.shims import NONCE, Started, StartShim

LEAF = "echo $$ >> pids; exec sleep 600\n"
"""A process that writes down its pid and keeps running."""


@dataclass(frozen=True, slots=True)
class Begun:
    execution: StepExecution
    output: RecordedOutput
    directory: Path
    positions: list[str]
    """The processes of the command when it was asked to stop."""


class Begin(Protocol):
    async def __call__(
        self,
        run: str | tuple[str, ...],
        *,
        output: RecordedOutput | None = None,
        env: Mapping[str, str] = {},
        pass_env: tuple[str, ...] = (),
        secrets: tuple[str, ...] = (),
        environ: Mapping[str, str] | None = None,
        params: Mapping[str, Any] = {},
        run_id: int = 7,
        rerun_of: int | None = None,
        **options: Any,
    ) -> Begun: ...


Bystander = Callable[..., Awaitable[subprocess.Popen[bytes]]]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """The working directory of commands. It contains `leaf.sh`."""
    path = tmp_path / "work"
    path.mkdir()
    (path / "leaf.sh").write_text(LEAF)
    return path


@pytest.fixture
def limits() -> CommandLimits:
    """Tests parametrize this."""
    return CommandLimits()


@pytest.fixture
def dispatcher(tmp_path: Path, limits: CommandLimits) -> StepDispatcher:
    become_subreaper()
    environ = {**os.environ, "SOLORUN_TOKEN": "s3cret", "SOLORUN_PORT": "1"}
    url = "http://127.0.0.1:8700"
    # On a busy machine, the loop may stand still for long.
    watchdog = Watchdog(blocked_seconds=60.0)
    return StepDispatcher(tmp_path / "data", environ, url=url, watchdog=watchdog, limits=limits)


@pytest.fixture
def begin(dispatcher: StepDispatcher, directory: Path, tmp_path: Path) -> Begin:
    async def begin(
        run: str | tuple[str, ...],
        *,
        output: RecordedOutput | None = None,
        env: Mapping[str, str] = {},
        pass_env: tuple[str, ...] = (),
        secrets: tuple[str, ...] = (),
        environ: Mapping[str, str] | None = None,
        params: Mapping[str, Any] = {},
        run_id: int = 7,
        rerun_of: int | None = None,
        **options: Any,
    ) -> Begun:
        step = CommandStep("extract", run, **options)
        project = Project("handbook", "Handbook", directory, (step,), env=env, pass_env=pass_env, secrets=secrets)
        output = output or RecordedOutput()
        positions: list[str] = []
        context = StepContext(
            project="handbook",
            run_id=run_id,
            scope="full",
            name="extract",
            params=params,
            workspace=directory,
            artifacts=tmp_path / "data" / "artifacts" / str(run_id),
            output=output,
            rerun_of=rerun_of,
            report_position=positions.extend,
        )
        starting = dispatcher if environ is None else StepDispatcher(tmp_path / "data", environ)
        return Begun(await starting.start(project, step, context), output, directory, positions)

    return begin


@pytest.fixture
def bystander() -> Iterator[Bystander]:
    """Starts a process in its own session, as a coroutine step might."""
    started: list[subprocess.Popen[bytes]] = []

    async def bystander(environ: Mapping[str, str], script: str | None = None) -> subprocess.Popen[bytes]:
        command = ["sleep", "600"] if script is None else ["/bin/sh", "-c", script]
        process = subprocess.Popen(command, env=environ, start_new_session=True)
        started.append(process)
        await eventually(Path(f"/proc/{process.pid}/environ").read_bytes)  # empty during exec
        return process

    yield bystander
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def start_shim(directory: Path) -> Iterator[StartShim]:
    """Starts the shim without -I, so that coverage can measure it."""
    started: list[Started] = []

    def start_shim(
        *argv: str, python: tuple[str, ...] = (sys.executable, SHIM_PROGRAM), stops: str = "", deadline: int = -1
    ) -> Started:
        control, to_control = os.pipe()
        status, to_status = os.pipe()
        os.write(to_control, NONCE.encode() + stops.encode())
        process = subprocess.Popen(
            [*python, str(control), str(to_status), str(INHERITED_SOFT_LIMIT), "artifacts", str(deadline), *argv],
            cwd=directory,
            pass_fds=(control, to_status, *(() if deadline < 0 else (deadline,))),
            start_new_session=True,
        )
        os.close(control)
        os.close(to_status)
        started.append(Started(process, to_control, os.fdopen(status)))
        return started[-1]

    yield start_shim
    for each in started:
        each.process.kill()
        each.process.wait()
        each.status.close()
        os.close(each.control) if each.control >= 0 else None
