"""Forked services end with the process that ordered them: an interrupted test run leaves no process behind."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from tests.fakes.process_table import is_alive
from tests.fakes.project_toml import project_toml
from tests.faults.trial import until

ROOT = Path(__file__).parents[2]
TEST_RUN = """
import sys, time
from pathlib import Path
from tests.faults.forked_service import ForkServer

directory = Path(sys.argv[1])
parent = ForkServer()
service = parent.fork(directory, {"STALLS": str(directory / "stalls")}, ["serve", "--port", "0"], directory / "log")
print(parent.pid, service.pid, flush=True)
time.sleep(600)
"""
CONFIGURATION = project_toml("sleep", {"work": "sleep 60"})


@pytest.mark.parametrize("ended", ["test run", "parent"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
async def test_a_forked_service_ends_with_its_test_run(tmp_path: Path, ended: str, number: signal.Signals) -> None:
    (tmp_path / "solorun.toml").write_text(CONFIGURATION)
    log = tmp_path / "log"
    log.touch()
    test_run = await asyncio.create_subprocess_exec(
        sys.executable, "-c", TEST_RUN, str(tmp_path), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert test_run.stdout is not None
    parent, service = map(int, (await test_run.stdout.readline()).split())
    try:
        # Once it serves, nothing but its parent's end can end it.
        await until(lambda: "http://" in log.read_text())

        os.kill({"test run": test_run.pid, "parent": parent}[ended], number)

        await until(lambda: not is_alive(parent) and not is_alive(service))
    finally:
        for pid in filter(is_alive, (test_run.pid, parent, service)):
            os.kill(pid, signal.SIGKILL)
        await test_run.wait()
