"""What steps of an embedded Solorun see of the host's environment: commands little, functions everything."""

import asyncio
import os
from pathlib import Path

import pytest

from solorun import Command, Coroutine, Function, FunctionContext, Project, Solorun, StepContext
from solorun.declaration import Step

LIMIT = 60
HIDDEN = {"NOTIFY_SOCKET": "/run/notify", "CREDENTIALS_DIRECTORY": "/run/c", "WATCHDOG_USEC": "1", "DB_PASSWORD": "owl"}


async def print_environment(step: StepContext) -> None:
    await step.run("env")


def print_environment_from_thread(step: FunctionContext) -> None:
    step.run("env")


def read_environment(step: FunctionContext) -> None:
    print(f"NOTIFY_SOCKET={os.environ['NOTIFY_SOCKET']}")


async def output_of(step: Step, data_dir: Path) -> list[str]:
    async with asyncio.timeout(LIMIT), Solorun(data_dir, [Project("env", [step])]) as solo:
        run = await solo.manager.start_run("env")
        return [record.message async for record in solo.follow(run.id) if record.stream == "stdout"]


@pytest.mark.parametrize(
    "step",
    [
        Command("env", ["env"]),
        Coroutine("env", print_environment),
        Function("env", print_environment_from_thread),
    ],
    ids=["command", "coroutine", "function"],
)
async def test_no_command_sees_the_channels_and_secrets_of_the_host(
    step: Step, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in HIDDEN.items():
        monkeypatch.setenv(name, value)

    lines = await output_of(step, tmp_path / "data")

    assert {line.partition("=")[0] for line in lines} & {*HIDDEN} == set()
    assert "SOLORUN_PROJECT=env" in lines


async def test_the_code_of_the_host_keeps_its_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", "/run/notify")

    lines = await output_of(Function("env", read_environment), tmp_path / "data")

    assert lines == ["NOTIFY_SOCKET=/run/notify"]
