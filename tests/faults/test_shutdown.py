"""Signals to a busy service: every stream gets a final event, no process is left, and it exits in time."""

import asyncio
import shutil
import signal
from pathlib import Path

import pytest

from tests.faults.conftest import MakeTrials
from tests.faults.raw_stream import has_received, open_stream, read_to_end
from tests.faults.service_trial import IN_BOTH_FORMS, Form, ServiceTrial, service_trial
from tests.faults.storage_faults import DISK_FULL, FAULTS, FOREIGN_LOCK
from tests.faults.trial import until

SLEEPER = "echo begun; exec sleep 600"
LONG_LIMIT = '[service]\nshutdown_limit = "600s"\n'
MIDDLE_LIMIT = '[service]\nshutdown_limit = "60s"\n'
SHORT_LIMIT = '[service]\nshutdown_limit = "4s"\n'
SHORTEST_LIMIT = '[service]\nshutdown_limit = "500ms"\n'
DEAF = "trap '' TERM INT; echo begun; while true; do sleep 0.1; done"


@pytest.mark.needs(minutes=5)
@IN_BOTH_FORMS
async def test_a_busy_service_stops_cleanly(trials: MakeTrials, memory_path: Path, form: Form) -> None:
    tried = trials("P17", "SIGTERM or SIGINT with 200 streams and 20 runs", short=2, goal=200)

    async def attempt(number: int) -> None:
        steps = {f"sleeper{index}": SLEEPER for index in range(10)} | {f"deaf{index}": DEAF for index in range(10)}
        directory = memory_path / str(number)
        async with service_trial(directory, steps, extra=MIDDLE_LIMIT, form=form) as trial:
            runs = [run_id for name in steps if (run_id := await trial.start(name)) is not None]
            await until(lambda: all(map(trial.recorded_pids, runs)))
            paths = [f"/api/v1/runs/{runs[index % 20]}/events" for index in range(200)]
            streams = [await open_stream(trial.service.port, path) for path in paths]
            for stream in streams:
                await until(lambda: has_received(stream))  # noqa: B023
            reading = [asyncio.create_task(read_to_end(stream)) for stream in streams]

            stop = signal.SIGINT if number % 2 else signal.SIGTERM
            trial.service.signal(stop)
            refused = await trial.start(next(iter(steps)))
            code = await asyncio.to_thread(trial.service.wait)
            answers = await asyncio.gather(*reading)

            # uvicorn repeats the signal once the application has shut down.
            violations = [f"the exit code was {code}"] * (code != (-stop if form == "host" else 0))
            violations += ["a start was accepted"] * bool(refused)
            log = trial.service.log_file.read_text()
            violations += ["the shutdown limit ended it"] * ("took longer than its limit" in log)
            violations += [
                "a stream ended without a final event"
                for answer in answers
                if b"event: shutdown" not in answer and b"event: end" not in answer
            ]
            violations += [f"{pid} is alive" for run_id in runs for pid in trial.surviving_pids(run_id)]
            violations += await trial.audit()
            tried.judge(violations)
            tried.notes = f"{200 * tried.tried:,} streams got their final event"
        shutil.rmtree(directory)

    await tried.run_in_lanes(2 if tried.is_long else 1, attempt)


@pytest.mark.parametrize("first", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
async def test_a_second_signal_ends_it_immediately_and_the_next_start_recovers(
    tmp_path: Path, first: signal.Signals, second: signal.Signals
) -> None:
    # Longer than the wait for the exit: only the second signal can end it.
    async with service_trial(tmp_path / "trial", {"deaf": DEAF}, extra=LONG_LIMIT, grace="600s") as trial:
        run_id = await trial.start("deaf")
        assert run_id is not None
        await until(lambda: trial.recorded_pids(run_id))
        trial.service.signal(first)
        await until(lambda: "shutting down" in trial.service.log_file.read_text())

        trial.service.signal(second)
        code = await asyncio.to_thread(trial.service.wait)

        assert code == 128 + second
        await until(lambda: not trial.surviving_pids(run_id))
        await trial.up()
        assert await _status_of(trial, run_id) == "interrupted"
        assert await trial.audit() == []


async def test_a_broken_configuration_is_reported_and_the_last_valid_one_stays(tmp_path: Path) -> None:
    async with service_trial(tmp_path / "trial", {"quick": "echo done", "sleeper": SLEEPER}) as trial:
        path = trial.directory / "solorun.toml"
        good = path.read_text()
        sleeping = await trial.start("sleeper")
        assert sleeping is not None

        path.write_text("[projects.quick\n")
        trial.service.signal(signal.SIGHUP)
        async with asyncio.timeout(60):
            while await trial.ready() != 503:
                await asyncio.sleep(0.02)
        run = await trial.run_to_end("quick")
        path.write_text(good)
        trial.service.signal(signal.SIGHUP)
        async with asyncio.timeout(60):
            while await trial.ready() != 200:
                await asyncio.sleep(0.02)

        assert run.status == "completed"
        assert await _status_of(trial, sleeping) == "running"
        assert await trial.audit() == []


@pytest.mark.parametrize(
    ("fault", "form", "extra"),
    [(DISK_FULL, "serve", SHORT_LIMIT), (FOREIGN_LOCK, "serve", SHORT_LIMIT), (DISK_FULL, "host", SHORTEST_LIMIT)],
    ids=["full disk", "lock", "full disk, host"],
)
async def test_a_service_that_cannot_write_stops_during_the_fault_and_the_next_start_recovers(
    tmp_path: Path, fault: str, form: Form, extra: str
) -> None:
    async with service_trial(tmp_path / "trial", {"sleeper": SLEEPER}, extra=extra, form=form) as trial:
        run_id = await trial.start("sleeper")
        assert run_id is not None
        await until(lambda: trial.recorded_pids(run_id))

        async with FAULTS[fault](trial):
            trial.service.signal(signal.SIGTERM)
            await asyncio.to_thread(trial.service.wait)
            left = trial.surviving_pids(run_id)

        assert left == ()
        assert "Traceback" not in trial.service.log_file.read_text()
        await trial.up()
        assert await _status_of(trial, run_id) == "interrupted"
        assert await trial.audit() == []


async def _status_of(trial: ServiceTrial, run_id: int) -> str:
    status: str = (await trial.client.get(f"{trial.service.api}/runs/{run_id}")).json()["status"]
    return status
