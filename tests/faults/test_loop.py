"""The event loop under load: no callback of the service blocks it for 50 ms."""

import asyncio
import contextlib
from pathlib import Path

import pytest

from tests.fakes.project_toml import Call, project_toml
from tests.faults.conftest import MakeTrials
from tests.faults.raw_stream import open_stream
from tests.faults.service_trial import ServiceTrial, service_trial

PATHS = (
    "/metrics", "/readyz", "/openapi.json", "/", "/login", "/problems/run-active", "/api/v1/nothing",
    "/api/v1/projects", "/api/v1/projects/quick", "/api/v1/projects/quick/runs/current", "/api/v1/runs?limit=1",
    "/api/v1/runs/{run}", "/api/v1/runs/{run}/log?q=7", "/api/v1/runs/{run}/log.txt", "/api/v1/runs/{run}/log.ndjson",
    "/api/v1/runs/{run}/artifacts", "/api/v1/runs/{run}/artifacts/none", "/api/v1/runs/{run}/events",
)  # fmt: skip


@pytest.mark.needs(minutes=2.1)
async def test_no_callback_blocks_the_loop(trials: MakeTrials, tmp_path: Path) -> None:
    tried = trials(
        "P18", "seconds of floods, streams, searches, starts and cancels without a stall of 50 ms", short=1, goal=120
    )
    seconds = min(tried.seconds or 6.0, 120.0)
    steps = {"flood": "exec seq 100000000", "quick": "seq 200", "line": "head -c 20000000 /dev/zero | tr '\\0' x"}
    for _ in tried:
        async with service_trial(tmp_path / "trial", steps) as trial:
            flood = await trial.start("flood")
            assert flood is not None
            path = f"/api/v1/runs/{flood}/events"
            stalled = [await open_stream(trial.service.port, path, receive_buffer=4096) for _ in range(100)]
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await asyncio.gather(
                        _use(trial),
                        _search(trial, flood),
                        _download(trial, flood),
                        *(_read(trial, path) for _ in range(20)),
                    )
            for sock in stalled:
                sock.close()
            await trial.cancel(flood)
            found = await trial.audit()
        tried.judge(found, tried=int(seconds))


async def test_the_first_response_of_each_route_does_not_block_the_loop(tmp_path: Path) -> None:
    async with service_trial(tmp_path / "trial", {"quick": "seq 2000"}) as trial:
        run = await trial.run_to_end("quick")
        for path in PATHS:
            answer = await trial.client.get(f"{trial.service.url}{path.format(run=run.id)}")
            assert answer.status_code < 500, path

        assert await trial.audit() == []


BLOCKING_STEP = """
import time

async def work(step):
    end = time.thread_time() + 1
    while time.thread_time() < end:
        pass
"""


@pytest.fixture
def blocking(tmp_path: Path) -> str:
    """The configuration of a project `block` whose step blocks the loop."""
    (tmp_path / "blocking_steps.py").write_text(BLOCKING_STEP)
    return project_toml("block", {"work": Call("blocking_steps:work")}, dir=str(tmp_path))


async def test_the_monitor_reports_a_step_that_blocks_the_loop(tmp_path: Path, blocking: str) -> None:
    async with service_trial(tmp_path / "trial", {"quick": "true"}, extra=blocking) as trial:
        await trial.run_to_end("block")
        found = await trial.audit()

    assert [violation for violation in found if "the loop was blocked" in violation] != []


async def test_a_trial_without_an_audit_fails_if_the_loop_was_blocked(tmp_path: Path, blocking: str) -> None:
    with pytest.raises(AssertionError, match="the loop was blocked"):
        async with service_trial(tmp_path / "trial", {"quick": "true"}, extra=blocking) as trial:
            await trial.run_to_end("block")


async def _use(trial: ServiceTrial) -> None:
    while True:
        for name in ("quick", "line"):
            run_id = await trial.start(name)
            await asyncio.sleep(0.3)
            if run_id is not None:
                await trial.cancel(run_id)
        await trial.client.get(f"{trial.service.api}/runs?limit=1000")


async def _search(trial: ServiceTrial, run_id: int) -> None:
    while True:
        await trial.client.get(f"{trial.service.api}/runs/{run_id}/log?q=77777&limit=1000")
        await trial.client.get(f"{trial.service.api}/runs/{run_id}/log?limit=1000")
        await asyncio.sleep(0.1)


async def _download(trial: ServiceTrial, run_id: int) -> None:
    while True:
        async with trial.client.stream("GET", f"{trial.service.api}/runs/{run_id}/log.txt") as answer:
            async for _ in answer.aiter_raw():
                pass


async def _read(trial: ServiceTrial, path: str) -> None:
    async with trial.client.stream("GET", f"{trial.service.url}{path}?batch=1") as answer:
        async for _ in answer.aiter_raw():
            pass
