"""Cancels the calls of a Solorun in a program at every await: it can be started and stopped, and runs go on."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from solorun import Coroutine, Project, Solorun, StepContext
from solorun.errors import RunActive
from solorun.status import Status
from tests.faults.conftest import MakeTrials
from tests.faults.interrupted import INTERRUPTERS, at_every_suspension


async def talk(step: StepContext) -> None:
    for number in range(3):
        await step.log(str(number))


async def _follow(solo: Solorun) -> None:
    assert [record.seq async for record in solo.follow(1)] == list(range(1, (await solo.wait_for_run(1)).last_seq + 1))


async def _start_and_wait(solo: Solorun) -> None:
    with contextlib.suppress(RunActive):
        await solo.wait_for_run((await solo.manager.start_run("talk")).id)


CALLS: dict[str, Callable[[Solorun], Awaitable[object]]] = {"follow": _follow, "start and wait": _start_and_wait}


@pytest.fixture
def solo(tmp_path: Path) -> Solorun:
    return Solorun(tmp_path, [Project("talk", [Coroutine("work", talk)])])


@pytest.mark.parametrize("interrupter", INTERRUPTERS)
@pytest.mark.parametrize("call", CALLS)
async def test_a_call_can_be_cancelled_at_any_await_and_no_run_is_lost(
    trials: MakeTrials, solo: Solorun, call: str, interrupter: str
) -> None:
    tried = trials("P9", f"{len(CALLS)} calls of a Solorun in a program, cancelled at every await", short=1, goal=1_000)
    async with asyncio.timeout(60), solo:
        await _start_and_wait(solo)
        for _ in tried:
            async for _at in at_every_suspension(lambda: CALLS[call](solo), INTERRUPTERS[interrupter]):
                tried.judge([])
                for run in solo.manager.list_active_runs():
                    ended = await solo.wait_for_run(run.id)
                    tried.judge([f"{ended}"] * (ended.status is not Status.COMPLETED), tried=0)
            await _follow(solo)
    assert not tried.violations


@pytest.mark.parametrize("interrupter", INTERRUPTERS)
async def test_a_session_can_be_cancelled_at_any_await_and_begun_again(solo: Solorun, interrupter: str) -> None:
    async def begin_and_end() -> None:
        await solo.start()
        await solo.stop()

    async with asyncio.timeout(60):
        async for _ in at_every_suspension(begin_and_end, INTERRUPTERS[interrupter]):
            await solo.stop()

        async with solo:
            await _start_and_wait(solo)
            await _follow(solo)
