"""kill -9 of the whole service while commands run, with clients that follow and cancel."""

import asyncio
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.conftest import MakeTrials
from tests.faults.service_trial import IN_BOTH_FORMS, Form, ServiceTrial, service_trial

TALK = "i=0; while [ $i -lt 200 ]; do i=$((i+1)); echo $i; done; sleep 0.2"
ESCAPED = "setsid sh -c 'trap \"\" TERM; sleep 30' & i=0; while true; do i=$((i+1)); echo $i; sleep 0.1; done"
LANES = 5


@pytest.mark.needs(minutes=15)
@IN_BOTH_FORMS
async def test_the_next_start_recovers_from_a_killed_service(trials: MakeTrials, memory_path: Path, form: Form) -> None:
    tried = trials("P5", "kill -9 of the whole service while commands run (P11: no process left)", short=1, goal=10_000)
    kills = 20 if tried.is_long else 3

    async def attempt(number: int) -> None:
        projects = {"talk": TALK, "escaped": ESCAPED}
        async with service_trial(memory_path / str(number), projects, form=form) as trial:
            for _ in range(kills):
                clients = [asyncio.create_task(_use(trial, name)) for name in ("talk", "escaped")]
                await asyncio.sleep(random.random() * 0.5)
                await asyncio.to_thread(trial.service.kill)
                await asyncio.wait(clients)
                await trial.up()
            tried.judge(await trial.audit(), tried=kills)
        shutil.rmtree(trial.directory)

    await tried.run_in_lanes(LANES if tried.is_long else 1, attempt)


async def test_a_start_on_a_full_disk_fails_with_a_message(tmp_path: Path) -> None:
    async with service_trial(tmp_path / "trial", {"talk": TALK}) as trial:
        await trial.start("talk")
        await asyncio.to_thread(trial.service.kill)

        # Coverage would have to write a data file.
        environ = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
        process = await asyncio.create_subprocess_exec(
            "sh", "-c", f"ulimit -f 0; exec {sys.executable} -m solorun serve --port 0",
            cwd=trial.directory, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        async with asyncio.timeout(60):
            output, _ = await process.communicate()

        assert process.returncode not in {0, None}
        assert b"Traceback" not in output, output.decode()
        await trial.up()
        assert await trial.audit() == []


async def _use(trial: ServiceTrial, project: str) -> None:
    """Starts and follows runs until the service is gone."""
    while (run_id := await trial.start(project)) is not None:
        reader = trial.follow(run_id)
        if random.random() < 0.5:
            await asyncio.sleep(random.random() * 0.2)
            await trial.cancel(run_id)
        await reader
