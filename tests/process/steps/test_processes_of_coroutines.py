"""Coroutine steps run commands, and leave no processes behind."""

import asyncio
import multiprocessing
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from solorun.client import RunClient
from solorun.outcome import StepResult
from solorun.project import CoroutineStep, Project
from solorun.record import Level, Stream
from solorun.step import CommandFailed, StepContext, StepExecution
from solorun.steps import StepDispatcher
from tests.fakes.process_table import is_alive
from tests.fakes.project_toml import Call, project_toml
from tests.fakes.solorun_process import serving
from tests.fakes.step_output import LoggedLine, RecordedOutput
from tests.process.steps.conftest import Bystander
from tests.process.steps.processes import eventually, noted_pids, survivors

BeginCoroutine = Callable[[Callable[[StepContext], Awaitable[None]]], Awaitable[StepExecution]]


@pytest.fixture
def output() -> RecordedOutput:
    return RecordedOutput()


@pytest.fixture
def begin(dispatcher: StepDispatcher, directory: Path, tmp_path: Path, output: RecordedOutput) -> BeginCoroutine:
    async def begin(function: Callable[[StepContext], Awaitable[None]]) -> StepExecution:
        step = CoroutineStep("publish", "handbook:publish", function)
        project = Project("handbook", "Handbook", directory, (step,), cancel_grace_seconds=0.2)
        artifacts = tmp_path / "data" / "artifacts" / "7"
        context = StepContext("handbook", 7, "full", "publish", {"date": "today"}, directory, artifacts, output)
        return await dispatcher.start(project, step, context)

    return begin


async def test_a_command_of_a_coroutine_writes_to_the_log(begin: BeginCoroutine, output: RecordedOutput) -> None:
    async def publish(step: StepContext) -> None:
        await step.run("sh", "-c", 'echo "$SOLORUN_PARAM_DATE ::"; echo ::notice::hello; echo oops >&2')
        await step.log("after")

    result = await (await begin(publish)).wait()

    assert result == StepResult()
    assert [line for line in output.records if line.stream is not Stream.STDERR] == [
        LoggedLine(Stream.STDOUT, "today ::"),
        LoggedLine(Stream.STEP, "hello"),
        LoggedLine(Stream.STEP, "after"),
    ]
    assert output.texts(Stream.STDERR) == ["oops"]


@pytest.mark.parametrize(
    ("command", "message"),
    [(("sh", "-c", "exit 3"), "sh: exit code 3"), (("/no/program",), "program: command not found: …/program")],
)
async def test_a_command_that_fails_raises(begin: BeginCoroutine, command: tuple[str, ...], message: str) -> None:
    async def publish(step: StepContext) -> None:
        await step.run(*command)

    assert await (await begin(publish)).wait() == StepResult(error_message=f"CommandFailed: {message}")


async def test_a_task_that_outlives_its_coroutine_runs_no_more_commands(begin: BeginCoroutine, directory: Path) -> None:
    errors: list[str] = []

    async def run_repeatedly(step: StepContext) -> None:
        for _ in range(2):
            try:
                await step.run("./leaf.sh" if errors else "sh", "-c", "echo $$ >> pids; exec sleep 600")
            except Exception as error:
                errors.append(str(error))

    async def publish(step: StepContext) -> None:
        tasks.append(asyncio.create_task(run_repeatedly(step)))
        await eventually(lambda: (directory / "pids").exists())

    tasks: list[asyncio.Task[None]] = []

    await (await begin(publish)).wait()
    await tasks[0]

    assert errors == ["sh: killed by SIGTERM", "the step has ended; it cannot run leaf.sh"]


async def test_a_thread_cannot_run_a_command(begin: BeginCoroutine) -> None:
    async def publish(step: StepContext) -> None:
        await asyncio.to_thread(asyncio.run, step.run("true"))

    result = await (await begin(publish)).wait()

    assert result.error_message == "RuntimeError: step.run works only on the event loop of the service"


async def test_a_fork_exits_where_it_would_return_to_the_service(
    begin: BeginCoroutine, output: RecordedOutput, capfd: pytest.CaptureFixture[str]
) -> None:
    async def fork(step: StepContext) -> None:
        if os.fork() == 0:
            print("child", flush=True)
            return
        print("parent")

    async def publish(step: StepContext) -> None:
        await fork(step)
        await asyncio.create_task(fork(step))

    assert await (await begin(publish)).wait() == StepResult()
    assert output.records == [LoggedLine(Stream.STDOUT, "parent")] * 2  # and no process had to be killed
    assert capfd.readouterr().out == "child\n" * 2


async def test_a_fork_of_a_thread_can_print(begin: BeginCoroutine, output: RecordedOutput) -> None:
    def fork() -> None:
        process = multiprocessing.get_context("fork").Process(target=print, args=("child",))
        process.start()
        process.join()

    async def publish(step: StepContext) -> None:
        await asyncio.to_thread(fork)

    assert await (await begin(publish)).wait() == StepResult()
    assert output.records == []


async def test_a_coroutine_may_handle_the_failure_of_a_command(begin: BeginCoroutine) -> None:
    codes: list[int | None] = []

    async def publish(step: StepContext) -> None:
        for command in (["sh", "-c", "exit 3"], ["./leaf.sh"]):
            try:
                await step.run(*command)
            except CommandFailed as failed:
                codes.append(failed.exit_code)

    assert await (await begin(publish)).wait() == StepResult()
    assert codes == [3, None]


async def test_a_stop_ends_the_command_and_all_its_processes(begin: BeginCoroutine, directory: Path) -> None:
    async def publish(step: StepContext) -> None:
        await step.run("sh", "-c", "trap '' TERM; setsid sh leaf.sh & sh leaf.sh; sh leaf.sh")

    execution = await begin(publish)
    await eventually(lambda: len(noted_pids(directory)) == 2)

    assert await execution.stop(0.2) == StepResult(error_message="stopped")
    assert survivors(directory) == []


async def test_a_command_that_nothing_waits_for_ends_with_its_coroutine(begin: BeginCoroutine, directory: Path) -> None:
    tasks: list[asyncio.Task[None]] = []

    async def publish(step: StepContext) -> None:
        tasks.append(asyncio.create_task(step.run("sh", "leaf.sh")))
        await eventually(lambda: noted_pids(directory))

    assert await (await begin(publish)).wait() == StepResult()
    assert survivors(directory) == []
    await asyncio.wait(tasks)
    assert isinstance(tasks[0].exception(), CommandFailed)


async def start_processes(step: StepContext) -> None:
    await asyncio.create_subprocess_exec("sh", "-c", "(sh leaf.sh &); setsid sh leaf.sh & wait", cwd=step.workspace)
    await eventually(lambda: len(noted_pids(step.workspace)) == 2)


@pytest.mark.skipif(sys.platform != "linux", reason="finding every descendant requires Linux")
@pytest.mark.parametrize("is_stopped", [True, False])
async def test_processes_that_a_coroutine_started_by_itself_are_named_and_killed(
    begin: BeginCoroutine, directory: Path, output: RecordedOutput, is_stopped: bool
) -> None:
    async def publish(step: StepContext) -> None:
        await start_processes(step)
        await (asyncio.Event().wait() if is_stopped else asyncio.sleep(0))

    execution = await begin(publish)
    await eventually(lambda: len(noted_pids(directory)) == 2)
    await (execution.stop(5) if is_stopped else execution.wait())

    assert survivors(directory) == []
    [warning] = output.warnings()
    assert warning.startswith("coroutine ended; killing the processes it left behind: ")
    assert "(sh -c (sh leaf.sh &); setsid sh leaf.sh & wait)" in warning
    assert all(f"{pid} (" in warning for pid in noted_pids(directory))


POOL = """
import asyncio, math
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

async def publish(step):
    with ProcessPoolExecutor(1, mp_context=get_context("{method}")) as pool:
        print(await asyncio.get_running_loop().run_in_executor(pool, math.sqrt, 4))
"""


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
async def test_the_helpers_of_multiprocessing_outlive_the_coroutine_that_started_them(
    tmp_path: Path, method: str
) -> None:
    (tmp_path / "pool.py").write_text(POOL.format(method=method))
    toml = project_toml("handbook", {"publish": Call("pool:publish")})
    async with serving(tmp_path, toml) as service, RunClient(service.url) as client:
        runs = [await client.wait_for_run((await client.start_run("handbook")).id) for _ in range(2)]
        pages = [await client.get_log_page(run.id, level=Level.WARNING) for run in runs]
        [page] = [await client.get_log_page(runs[0].id, stream=Stream.STDOUT)]

    assert [page.records for page in pages] == [(), ()]
    assert [record.message for record in page.records] == ["2.0"]


LEAVE = """
import time
from multiprocessing import get_context

async def publish(step):
    process = get_context("forkserver").Process(target=time.sleep, args=(600,))
    process.start()
    print(process.pid)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="finding every descendant requires Linux")
async def test_a_process_that_a_helper_of_multiprocessing_forked_is_killed(tmp_path: Path) -> None:
    (tmp_path / "leave.py").write_text(LEAVE)
    toml = project_toml("handbook", {"publish": Call("leave:publish")})
    async with serving(tmp_path, toml) as service, RunClient(service.url) as client:
        run = await client.wait_for_run((await client.start_run("handbook")).id)
        [printed] = (await client.get_log_page(run.id, stream=Stream.STDOUT)).records
        [warning] = (await client.get_log_page(run.id, level=Level.WARNING)).records

        assert f"{printed.message} (" in warning.message
        assert not is_alive(int(printed.message))


async def test_the_processes_of_a_host_application_are_spared(directory: Path, output: RecordedOutput) -> None:
    dispatcher = StepDispatcher(directory, os.environ, owns_process=False)
    step = CoroutineStep("publish", "handbook:publish", start_processes)
    project = Project("handbook", "Handbook", directory, (step,))
    context = StepContext("handbook", 7, "full", "publish", {}, directory, directory, output)

    await (await dispatcher.start(project, step, context)).wait()

    assert len(survivors(directory)) >= 2
    assert output.warnings() == []
    for pid in noted_pids(directory):
        os.kill(pid, signal.SIGKILL)
    await eventually(lambda: not survivors(directory))


@pytest.mark.skipif(sys.platform != "linux", reason="finding every descendant requires Linux")
async def test_other_processes_of_the_service_are_spared(
    begin: BeginCoroutine, directory: Path, output: RecordedOutput, bystander: Bystander
) -> None:
    release = asyncio.Event()

    async def wait(step: StepContext) -> None:
        await release.wait()

    older = await bystander(os.environ)
    other = await begin(wait)
    await (await begin(start_processes)).wait()

    assert older.poll() is None
    assert len(survivors(directory)) >= 2
    release.set()
    await other.wait()
    assert older.poll() is None
    assert survivors(directory) == []
    assert len(output.warnings()) == 1
