"""A service that stood still (SIGSTOP, a suspended machine) looks at what has ended before it looks at deadlines."""

import signal
import time
from collections.abc import Callable
from pathlib import Path

from tests.fakes.project_toml import Call, project_toml
from tests.fakes.running_service import served
from tests.process.service.clients import open_client

LIMIT_SECONDS = 60
TIMEOUT_SECONDS = 8
"""Long enough that the steps wait, and the service is frozen, before it has passed."""

RUN = "echo $$ > {}; until [ -e go ]; do sleep 0.01; done"
LIMIT = f"{TIMEOUT_SECONDS}s"
TOML = "".join(
    (
        project_toml("run_limit", {"build": RUN.format("run_limit")}, timeout=LIMIT),
        project_toml("coroutine", {"build": Call("frozen_steps:build")}, timeout=LIMIT),
        project_toml("step_limit", {"build": RUN.format("step_limit")}),
        f'timeout = "{LIMIT}"\n',  # of the last step
    )
)
COROUTINE = """
import asyncio, pathlib

async def build(step):
    while not pathlib.Path("go").exists():
        await asyncio.sleep(0.01)
"""


def wait_until(predicate: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LIMIT_SECONDS
    while not predicate():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def read_pid(file: Path) -> str:
    wait_until(lambda: file.exists() and file.read_text().endswith("\n"))
    return file.read_text().strip()


def test_a_step_that_ended_while_the_service_was_frozen_has_not_timed_out(tmp_path: Path) -> None:
    (tmp_path / "frozen_steps.py").write_text(COROUTINE)
    with served(tmp_path, TOML) as service, open_client(service) as client:
        ids = [
            client.post(f"/projects/{project}/runs").json()["id"]
            for project in ("coroutine", "step_limit", "run_limit")
        ]
        processes = [Path("/proc", read_pid(tmp_path / project)) for project in ("step_limit", "run_limit")]

        service.signal(signal.SIGSTOP)
        thaw_at = time.monotonic() + TIMEOUT_SECONDS + 1
        (tmp_path / "go").touch()
        wait_until(lambda: not any(process.exists() for process in processes) and time.monotonic() > thaw_at)
        service.signal(signal.SIGCONT)

        for run_id in ids:
            client.get(f"/runs/{run_id}/events")
        ended = [client.get(f"/runs/{run_id}").json() for run_id in ids]

    assert [(run["status"], run["error_message"]) for run in ended] == [("completed", None)] * 3
