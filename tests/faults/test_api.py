"""Checks the served API against its OpenAPI document with schemathesis: all checks and all phases, stateful too."""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.conftest import MakeTrials
from tests.faults.service_trial import service_trial

TOKEN = "correct-horse-battery-staple"
ROOT = Path(__file__).parents[2]
ENVIRON = {**os.environ, "PYTHONPATH": str(ROOT), "SCHEMATHESIS_HOOKS": "tests.faults.schemathesis_hooks"}
EXCLUDED_PATHS = (
    # Streams do not end, and schemathesis parses `text/event-stream` differently.
    "/api/v1/events",
    "/api/v1/runs/{run_id}/events",
    # The sessions of the login page are tested in tests/http.
    "/login",
    "/logout",
)


@pytest.mark.needs(minutes=7)
async def test_the_api_matches_its_openapi_document(trials: MakeTrials, memory_path: Path) -> None:
    tried = trials("P19", "schemathesis cases: stateful, all checks", short=1, goal=50_000)
    # One attempt covers a part of the goal.
    seconds = min(tried.seconds or 10.0, 120.0)

    async def attempt(number: int) -> None:
        async with service_trial(
            memory_path / str(number), {"quick": "echo done", "short": "sleep 0.3"}, environ={"SOLORUN_TOKEN": TOKEN}
        ) as trial:
            process = await asyncio.create_subprocess_exec(
                str(Path(sys.executable).with_name("st")), "run", f"{trial.service.url}/openapi.json",
                "-H", f"Authorization: Bearer {TOKEN}", "--checks", "all", *_exclude_arguments(),
                "--max-time", str(int(seconds)), "--request-timeout", "60", "--no-color", "--continue-on-failure",
                "--max-examples", "100000" if tried.is_long else "20",
                cwd=trial.directory, env=ENVIRON, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            )  # fmt: skip
            output = (await process.communicate())[0].decode()
            cases = int(re.findall(r"([\d,]+) generated", output)[-1].replace(",", ""))
            violations = [line.strip() for line in output.splitlines() if line.strip().startswith("❌ ST")]
            assert process.returncode == 0 or violations, output[-3000:]
            # The history does not contain the starts that schemathesis made.
            found = [found for found in await trial.audit() if not found.startswith("only_acknowledged_runs_work")]
            assert not violations, output[-6000:]
            tried.judge(found, tried=cases)

    await tried.run_in_lanes(2 if tried.is_long else 1, attempt)


def _exclude_arguments() -> list[str]:
    return [argument for path in EXCLUDED_PATHS for argument in ("--exclude-path", path)]
