"""The disk fails under a live service: no false success meanwhile, and afterwards it recovers by itself."""

import asyncio
import time
from pathlib import Path

import pytest

from tests.faults.conftest import MakeTrials
from tests.faults.service_trial import ServiceTrial, service_trial
from tests.faults.storage_faults import FAULTS, syscalls_fail

NOTICE_SECONDS = 8.0
RECOVERY_SECONDS = 5.0
WRITES_OF_A_RUN = 40
TALK = "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); echo $i; sleep 0.05; done"


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_storage_fault_is_told_and_passes(trials: MakeTrials, tmp_path: Path, fault: str) -> None:
    tried = trials("P8", fault, short=1)
    tried.seconds = None if tried.seconds is None else tried.seconds / len(FAULTS)
    slowest = 0.0
    for number in tried:
        async with service_trial(tmp_path / str(number), {"quick": "echo done", "talk": TALK}) as trial:
            talking = await trial.start("talk")
            assert talking is not None
            reader = trial.follow(talking)
            await trial.run_to_end("quick")

            async with FAULTS[fault](trial):
                await _meet(trial)
            slowest = max(slowest, await _recover(trial))

            await trial.cancel(talking)
            async with asyncio.timeout(10):
                await reader
            tried.judge(await trial.audit())
        tried.notes = f"recovered within {slowest:.1f} s"


@pytest.mark.parametrize("calls", ["pwrite64", "fdatasync,fsync"])
async def test_any_single_write_or_sync_may_fail(trials: MakeTrials, tmp_path: Path, calls: str) -> None:
    tried = trials("P7", f"the n-th {calls} of a run fails once (EIO)", short=4)
    tried.seconds = None if tried.seconds is None else tried.seconds / 2
    async with service_trial(tmp_path / "trial", {"quick": "seq 20"}) as trial:
        for number in tried:
            # A thread's count is its own: the writer alone writes.
            async with syscalls_fail(trial, calls=calls, error="EIO", when=str(1 + number % WRITES_OF_A_RUN)):
                run_id = await trial.start("quick")
                if run_id is not None:
                    async with asyncio.timeout(15):
                        await trial.follow(run_id)
            tried.judge([])
        async with asyncio.timeout(RECOVERY_SECONDS):
            while await trial.ready() != 200:
                await asyncio.sleep(0.05)
        await trial.run_to_end("quick")
        tried.judge(await trial.audit(), tried=0)
    assert not tried.violations, tried.violations


@pytest.mark.parametrize("fault", ["disk full (ENOSPC)", "the data directory is away"])
async def test_an_idle_service_is_ready_again_though_nobody_asks_it_to_write(tmp_path: Path, fault: str) -> None:
    async with service_trial(tmp_path / "trial", {"quick": "echo done"}) as trial:
        async with FAULTS[fault](trial):
            await _meet(trial)

        recovered_after = await _recover(trial)

        assert recovered_after < RECOVERY_SECONDS
        assert await trial.audit() == []


async def _meet(trial: ServiceTrial) -> None:
    """While it lasts: a start is answered 503 store-unavailable, and so is /readyz, soon."""
    deadline = time.monotonic() + NOTICE_SECONDS
    refused = not_ready = False
    while not (refused and not_ready):
        assert time.monotonic() < deadline, f"refused: {refused}, not ready: {not_ready}"
        if not refused:
            await trial.start("quick")
            answer = trial.history.entries[-1]
            assert answer.value == "store-unavailable", answer
            refused = True
        not_ready = await trial.ready() == 503
        await asyncio.sleep(0.05)
    assert (await trial.client.get(f"{trial.service.url}/livez")).status_code == 200


async def _recover(trial: ServiceTrial) -> float:
    """Nobody restarts it: within five seconds it is ready, and a run goes through. Answers how long it took."""
    began = time.monotonic()
    async with asyncio.timeout(RECOVERY_SECONDS):
        while await trial.ready() != 200:
            await asyncio.sleep(0.05)
        while (run_id := await trial.start("quick")) is None:
            await asyncio.sleep(0.1)
        await trial.follow(run_id)
    return time.monotonic() - began
