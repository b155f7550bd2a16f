"""The disk of a running service fails: no start succeeds falsely, and the service recovers by itself."""

import asyncio
import shutil
import time
from contextlib import nullcontext
from pathlib import Path

import pytest

from solorun.status import Status
from tests.faults.conftest import MakeTrials, Trials
from tests.faults.memory_disk import memory_disk
from tests.faults.service_trial import IN_BOTH_FORMS, Form, ServiceTrial, service_trial
from tests.faults.storage_faults import DIRECTORY_MOVED, DISK_FULL, FAULTS, FOREIGN_LOCK, FULL_TMPFS, syscalls_fail

NOTICE_LIMIT_SECONDS = 60.0
LONG_LOCK_SECONDS = 31.0
"""Longer than the database waits for a lock."""
WRITES_OF_A_RUN = 40
TALK = "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); echo $i; sleep 0.2; done"


@pytest.mark.needs(minutes=0.8)
@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault != FOREIGN_LOCK])
async def test_a_storage_fault_is_reported_and_recovered_from(
    trials: MakeTrials, memory_path: Path, fault: str
) -> None:
    tried = trials("P8", fault, short=1, goal=200)
    # Once the write-ahead log has grown, SQLite reuses its space, and a start may succeed on a full disk.
    cycles = 1 if fault == FULL_TMPFS else 20
    await _try_fault(tried, memory_path, fault, lanes=4, cycles=cycles, lasts_seconds=0.0)


@pytest.mark.needs(minutes=0.8)
async def test_a_full_disk_is_reported_to_a_host_program_and_recovered_from(
    trials: MakeTrials, memory_path: Path
) -> None:
    tried = trials("P8", f"{DISK_FULL}, in a host program", short=1, goal=200)
    await _try_fault(tried, memory_path, DISK_FULL, lanes=4, cycles=20, lasts_seconds=0.0, form="host")


@pytest.mark.needs(minutes=6)
@IN_BOTH_FORMS
async def test_a_lock_held_by_another_process_is_reported_and_recovered_from(
    trials: MakeTrials, memory_path: Path, form: Form
) -> None:
    lasts_seconds = LONG_LOCK_SECONDS if (tried := trials("P8", FOREIGN_LOCK, short=1, goal=200)).is_long else 0.0
    tried.what += f", held for {LONG_LOCK_SECONDS:.0f} s" * tried.is_long
    await _try_fault(tried, memory_path, FOREIGN_LOCK, lanes=25, cycles=4, lasts_seconds=lasts_seconds, form=form)


async def _try_fault(
    tried: Trials,
    memory_path: Path,
    fault: str,
    *,
    lanes: int,
    cycles: int,
    lasts_seconds: float,
    form: Form = "serve",
) -> None:
    cycles = cycles if tried.is_long else 1

    async def attempt(number: int) -> None:
        directory = memory_path / str(number)
        with memory_disk(directory / ".solorun", 80) if fault == FULL_TMPFS else nullcontext() as disk:
            async with service_trial(directory, {"quick": "echo done", "talk": TALK}, disk=disk, form=form) as trial:
                running = await trial.start("talk")
                assert running is not None
                reader = trial.follow(running)
                for _ in range(cycles):
                    await trial.run_to_end("quick")
                    async with FAULTS[fault](trial):
                        await _expect_fault(trial, lasts_seconds)
                    await _recover(trial)
                await trial.cancel(running)
                async with asyncio.timeout(60):
                    await reader
                tried.judge(await trial.audit(), tried=cycles)
        shutil.rmtree(directory)

    await tried.run_in_lanes(lanes if tried.is_long else 1, attempt)


async def test_a_disk_in_use_cannot_be_remounted_and_a_read_only_one_is_reported_at_start(tmp_path: Path) -> None:
    """Linux refuses to remount a file system read-only while files are open for writing, so strace injects EROFS into a
    running service. A disk that is read-only at the start is reported, and the next start recovers."""
    directory = tmp_path / "trial"
    with memory_disk(directory / ".solorun", 80) as disk:
        async with service_trial(directory, {"quick": "echo done", "talk": TALK}, disk=disk) as trial:
            await trial.start("talk")
            assert not disk.remount("ro")
            await trial.run_to_end("quick")
            await asyncio.to_thread(trial.service.kill)

            assert disk.remount("ro")
            code, output = await asyncio.to_thread(_start_second_service, trial)
            assert code not in {0, None}
            assert "Traceback" not in output, output
            assert disk.remount("rw")

            await trial.up()
            await trial.run_to_end("quick")
            assert await trial.audit() == []


async def test_a_flood_fills_the_disk_up_to_a_reserve_and_can_be_cancelled(tmp_path: Path) -> None:
    directory = tmp_path / "trial"
    with memory_disk(directory / ".solorun", 32) as disk:
        projects = {"quick": "echo done", "flood": "exec base64 /dev/urandom"}
        async with service_trial(directory, projects, disk=disk) as trial:
            flood = await trial.start("flood")
            assert flood is not None
            log = f"{trial.service.api}/runs/{flood}/log"
            async with asyncio.timeout(120):
                # A search would read the whole flood each time, and delay it. Warnings are counted with their segment.
                while "almost full" not in (await trial.client.get(log, params={"level": "warning"})).text:
                    await asyncio.sleep(0.5)

            await trial.run_to_end("quick")
            await trial.cancel(flood)
            ended = await asyncio.wait_for(trial.follow(flood), 60)

            assert ended is not None
            assert ended.status is Status.CANCELLED
            assert await trial.audit() == []


async def test_a_second_process_on_the_directory_is_refused_and_the_first_continues(tmp_path: Path) -> None:
    async with service_trial(tmp_path / "trial", {"quick": "echo done", "talk": TALK}) as trial:
        running = await trial.start("talk")
        assert running is not None
        reader = trial.follow(running)

        for _ in range(3):
            code, output = await asyncio.to_thread(_start_second_service, trial)
            assert code not in {0, None}
            assert "Traceback" not in output, output
            assert str(trial.service.pid) in output
            assert await trial.ready() == 200
            await trial.run_to_end("quick")

        await trial.cancel(running)
        async with asyncio.timeout(60):
            await reader
        assert await trial.audit() == []


def _start_second_service(trial: ServiceTrial) -> tuple[int, str]:
    """Start another service on the same directory; returns its exit code and output."""
    log_file = trial.directory / "second.log"
    log_file.unlink(missing_ok=True)
    process = trial.service.spawn_another(["serve", "--port", "0"], log_file)
    return process.wait(60), log_file.read_text()


@pytest.mark.needs(minutes=1.5)
@pytest.mark.parametrize("calls", ["pwrite64", "fdatasync,fsync"])
@IN_BOTH_FORMS
async def test_any_single_write_or_sync_may_fail(trials: MakeTrials, tmp_path: Path, calls: str, form: Form) -> None:
    tried = trials("P7", f"the n-th {calls} of a run fails once (EIO)", short=4, goal=10 * WRITES_OF_A_RUN)
    async with service_trial(tmp_path / "trial", {"quick": "seq 20"}, form=form) as trial:
        for number in tried:
            # strace counts the calls of each thread separately, and only the writer thread writes.
            async with syscalls_fail(trial, calls=calls, error="EIO", when=str(1 + number % WRITES_OF_A_RUN)):
                run_id = await trial.start("quick")
                if run_id is not None:
                    async with asyncio.timeout(60):
                        await trial.follow(run_id)
            tried.judge([])
        await _recover(trial)
        tried.judge(await trial.audit(), tried=0)
    assert not tried.violations, tried.violations


@pytest.mark.parametrize("fault", [DISK_FULL, DIRECTORY_MOVED])
async def test_an_idle_service_becomes_ready_again_without_a_request_that_writes(tmp_path: Path, fault: str) -> None:
    async with service_trial(tmp_path / "trial", {"quick": "echo done"}) as trial:
        async with FAULTS[fault](trial):
            await _expect_fault(trial)

        await _recover(trial)

        assert await trial.audit() == []


async def _expect_fault(trial: ServiceTrial, lasts_seconds: float = 0.0) -> None:
    """Starts get a 503 store-unavailable, and so does /readyz, once the service has met the fault."""
    noticed_by = time.monotonic() + NOTICE_LIMIT_SECONDS
    over_at = time.monotonic() + lasts_seconds
    refused = not_ready = False
    while not (refused and not_ready) or time.monotonic() < over_at:
        assert (refused and not_ready) or time.monotonic() < noticed_by, (refused, not_ready)
        if not refused or lasts_seconds:
            await trial.start("quick")
            answer = trial.history.entries[-1]
            assert answer.value == "store-unavailable", answer
            refused = True
        ready = await trial.ready()
        assert not (not_ready and ready == 200), "ready while the fault lasts"
        not_ready = ready == 503
        await asyncio.sleep(0.05)
    assert (await trial.client.get(f"{trial.service.url}/livez")).status_code == 200


async def _recover(trial: ServiceTrial) -> None:
    """Without a restart, the service becomes ready and completes a run."""
    async with asyncio.timeout(60):
        while await trial.ready() != 200:
            await asyncio.sleep(0.05)
        while (run_id := await trial.start("quick")) is None:
            await asyncio.sleep(0.1)
        await trial.follow(run_id)
