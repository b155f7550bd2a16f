"""Cancels of commands in a host program: the whole tree ends, and nothing of the host."""

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from solorun import Command, Coroutine, Project, Solorun, StepContext
from solorun.declaration import Step
from solorun.status import Status
from tests.process.steps.processes import survivors

LIMIT = 60
ESCAPING = "trap '' TERM; setsid sleep 1000 & (setsid nohup sleep 1000 &) ; sleep 1000 & echo started; wait"


async def run_escaping(step: StepContext) -> None:
    await step.run("sh", "-c", ESCAPING)


@pytest.fixture
def process_of_host() -> Iterator["subprocess.Popen[bytes]"]:
    with subprocess.Popen(["sleep", "1000"]) as process:
        yield process
        process.kill()


@pytest.mark.parametrize(
    "step", [Command("work", ESCAPING), Coroutine("work", run_escaping)], ids=["command", "coroutine"]
)
async def test_a_cancel_ends_every_process_of_the_run_and_none_of_the_host(
    step: Step, tmp_path: Path, process_of_host: "subprocess.Popen[bytes]"
) -> None:
    directory = tmp_path / "work"
    directory.mkdir()
    project = Project("work", [step], dir=directory, cancel_grace="1ms")

    async with asyncio.timeout(LIMIT), Solorun(tmp_path / "data", [project]) as solo:
        run = await solo.manager.start_run("work")
        async for record in solo.follow(run.id):
            if record.message == "started":
                await solo.manager.cancel_run(run.id)
        ended = await solo.wait_for_run(run.id)
        left = survivors(directory)

    assert (ended.status, left) == (Status.CANCELLED, [])
    assert process_of_host.poll() is None
