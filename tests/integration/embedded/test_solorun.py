"""A Solorun inside a program, without a server: runs, projects that come and go, and two at a time."""

import asyncio
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from solorun import Command, Coroutine, Function, FunctionContext, Project, Record, Solorun, StepContext
from solorun.errors import ConfigurationInvalid, DataDirectoryUnusable, ProjectNotFound, RunActive
from solorun.status import Status

LIMIT = 60

STUBBORN = """
import asyncio, sys, threading, time
from solorun import Function, Project, Solorun

begun = threading.Event()

def ignore_the_cancel(step):
    begun.set()
    time.sleep(1000)

async def main():
    projects = [Project("stubborn", [Function("wait", ignore_the_cancel)])]
    async with Solorun(sys.argv[1], projects, shutdown_limit="1ms") as solo:
        await solo.manager.start_run("stubborn")
        await asyncio.to_thread(begun.wait)
        print("begun")

asyncio.run(main())
"""


class Gate:
    """A step that waits until a test opens the gate."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.opened = asyncio.Event()

    async def step(self, step: StepContext) -> None:
        self.begun.set()
        await self.opened.wait()


async def extract(step: StepContext) -> None:
    await step.progress(1, 2, "photon")
    await step.log("extracted")


def generate(step: FunctionContext) -> None:
    print("generated")
    step.run("echo", "by a command")


def echo(name: str) -> Project:
    return Project(name, [Command("echo", ["echo", name])])


@pytest.fixture
def gate() -> Gate:
    return Gate()


async def test_a_run_of_every_kind_of_step_is_followed_to_its_end(tmp_path: Path) -> None:
    steps = [Coroutine("extract", extract), Function("generate", generate), Command("build", "echo built")]

    async with asyncio.timeout(LIMIT), Solorun(tmp_path / "data", [Project("handbook", steps)]) as solo:
        run = await solo.manager.start_run("handbook")
        records: list[Record] = [record async for record in solo.follow(run.id)]
        ended = await solo.wait_for_run(run.id)

    assert ended.status is Status.COMPLETED
    assert [record.message for record in records if not record.event] == [
        "extracted",
        "generated",
        "by a command",
        "built",
    ]


async def test_projects_come_and_go_while_others_run(tmp_path: Path, gate: Gate) -> None:
    waiting = Project("waiting", [Coroutine("wait", gate.step), Command("after", ["true"])], on_conflict="queue")

    async with asyncio.timeout(LIMIT), Solorun(tmp_path / "data", [waiting]) as solo:
        active = await solo.manager.start_run("waiting")
        queued = await solo.manager.start_run("waiting")
        await gate.begun.wait()
        solo.projects.add(echo("new"))
        added = await solo.wait_for_run((await solo.manager.start_run("new")).id)
        solo.projects.remove("waiting")
        with pytest.raises(ProjectNotFound):
            await solo.manager.start_run("waiting")
        gate.opened.set()
        ended = [(await solo.wait_for_run(run.id)).status for run in (active, queued)]

    assert added.status is Status.COMPLETED
    assert ended == [Status.COMPLETED, Status.COMPLETED]


async def test_a_queued_run_fails_if_its_project_is_gone_after_a_restart(tmp_path: Path, gate: Gate) -> None:
    project = Project("handbook", [Coroutine("wait", gate.step)], on_conflict="queue")

    async with asyncio.timeout(LIMIT):
        async with Solorun(tmp_path / "data", [project]) as solo:
            runs = [await solo.manager.start_run("handbook") for _ in range(2)]
            await gate.begun.wait()
        async with Solorun(tmp_path / "data") as solo:
            ended = [await solo.wait_for_run(run.id) for run in runs]

    assert [run.status for run in ended] == [Status.INTERRUPTED, Status.FAILED]
    assert 'There is no project "handbook"' in (ended[1].error_message or "")


async def test_of_many_starts_one_wins(tmp_path: Path, gate: Gate) -> None:
    project = Project("handbook", [Coroutine("wait", gate.step)])

    async with asyncio.timeout(LIMIT), Solorun(tmp_path / "data", [project]) as solo:
        starts = [solo.manager.start_run("handbook") for _ in range(200)]
        results = await asyncio.gather(*starts, return_exceptions=True)
        gate.opened.set()

    refusals = [result for result in results if isinstance(result, RunActive)]
    assert len(refusals) == 199
    assert {refusal.active_run.id for refusal in refusals} == {1}


async def test_a_start_may_wait_in_the_queue_or_join(tmp_path: Path, gate: Gate) -> None:
    project = Project("handbook", [Coroutine("wait", gate.step)])

    async with asyncio.timeout(LIMIT), Solorun(tmp_path / "data", [project]) as solo:
        policies = ["reject", "join", "queue"]
        runs = [await solo.manager.start_run("handbook", on_conflict=policy) for policy in policies]
        with pytest.raises(ValueError, match="wait"):
            await solo.manager.start_run("handbook", on_conflict="wait")
        gate.opened.set()
        ended = await solo.wait_for_run(runs[2].id)

    assert runs[0].id == runs[1].id < runs[2].id
    assert ended.status is Status.COMPLETED


async def test_a_solorun_keeps_its_runs_in_postgresql(tmp_path: Path, database_url: str) -> None:
    async with asyncio.timeout(LIMIT):
        async with Solorun(tmp_path / "one", [echo("handbook")], database_url=database_url) as solo:
            run = await solo.manager.start_run("handbook")
            messages = [record.message async for record in solo.follow(run.id)]
        async with Solorun(tmp_path / "two", database_url=database_url) as solo:
            found = await solo.manager.get_run(run.id)

    assert "handbook" in messages
    assert found.status is Status.COMPLETED


async def test_two_soloruns_run_in_one_program(tmp_path: Path) -> None:
    async with (
        asyncio.timeout(LIMIT),
        Solorun(tmp_path / "one", [echo("handbook")]) as one,
        Solorun(tmp_path / "two", [echo("handbook")]) as two,
    ):
        runs = [await solo.manager.start_run("handbook") for solo in (one, two)]
        ended = [await solo.wait_for_run(run.id) for solo, run in zip((one, two), runs, strict=True)]

    assert [(run.id, run.status) for run in ended] == [(1, Status.COMPLETED), (1, Status.COMPLETED)]


async def test_the_end_of_the_block_interrupts_active_runs(tmp_path: Path, gate: Gate) -> None:
    solo = Solorun(tmp_path / "data", [Project("handbook", [Coroutine("wait", gate.step)])])

    async with asyncio.timeout(LIMIT):
        async with solo:
            run = await solo.manager.start_run("handbook")
            await gate.begun.wait()
        with pytest.raises(RuntimeError, match="not running"):
            solo.manager  # noqa: B018
        async with solo:
            found = await solo.manager.get_run(run.id)

    assert found.status is Status.INTERRUPTED


async def test_a_new_session_waits_for_a_function_that_could_not_be_stopped(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    begun, released = threading.Event(), threading.Event()

    def ignore_the_cancel(step: FunctionContext) -> None:
        begun.set()
        released.wait(LIMIT)

    solo = Solorun(
        tmp_path / "data", [Project("stubborn", [Function("wait", ignore_the_cancel)])], shutdown_limit="1ms"
    )

    async with asyncio.timeout(LIMIT):
        async with solo:
            run = await solo.manager.start_run("stubborn")
            await asyncio.to_thread(begun.wait, LIMIT)
        starting = asyncio.create_task(solo.start())
        while "waiting for its function" not in caplog.text:
            await asyncio.sleep(0)
        has_started = starting.done()
        released.set()
        await starting
        found = await solo.manager.get_run(run.id)
        await solo.stop()

    assert (has_started, found.status) == (False, Status.INTERRUPTED)


def test_a_program_exits_although_a_function_could_not_be_stopped(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(STUBBORN)

    ended = subprocess.run([sys.executable, program, tmp_path / "data"], capture_output=True, timeout=LIMIT, text=True)

    assert (ended.returncode, ended.stdout) == (0, "begun\n")


async def test_a_session_can_begin_in_one_task_and_end_in_another(tmp_path: Path) -> None:
    solo = Solorun(tmp_path / "data", [echo("handbook")])

    async with asyncio.timeout(LIMIT):
        await asyncio.create_task(solo.start())
        run = await asyncio.create_task(solo.manager.start_run("handbook"))
        ended = await asyncio.create_task(solo.wait_for_run(run.id))
        await asyncio.create_task(solo.stop())
        await solo.stop()

    assert ended.status is Status.COMPLETED


async def test_a_data_directory_has_one_owner(tmp_path: Path) -> None:
    async with asyncio.timeout(LIMIT), Solorun(tmp_path / "data"):
        with pytest.raises(DataDirectoryUnusable, match="is in use by another Solorun in this program"):
            await Solorun(tmp_path / "data").start()


async def test_a_solorun_runs_once_at_a_time(tmp_path: Path) -> None:
    async with asyncio.timeout(LIMIT), Solorun(tmp_path / "data") as solo:
        with pytest.raises(RuntimeError, match="running already"):
            await solo.start()


def test_arguments_are_checked_like_settings_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(ConfigurationInvalid) as invalid:
        Solorun(tmp_path / "file", shutdown_limit="soon", allowed_hosts=["*"])
    with pytest.raises(TypeError, match="no argument port"):
        Solorun(tmp_path / "data", port=8700)  # type: ignore[call-arg]
    with pytest.raises(ConfigurationInvalid, match="token: the token is shorter"):
        Solorun(tmp_path / "data", token="short")

    assert [error.pointer for error in invalid.value.errors] == ["data_dir", "shutdown_limit", "allowed_hosts[0]"]


def test_importing_the_package_loads_neither_the_service_nor_the_client() -> None:
    program = "import sys, solorun; print({'solorun.service', 'starlette', 'httpx'} & {*sys.modules})"

    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=LIMIT)

    assert loaded.stdout == "set()\n"
