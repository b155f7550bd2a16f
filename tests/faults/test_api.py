"""The served API against its own OpenAPI document: schemathesis, every check and phase, the stateful one too."""

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
LEFT_OUT = (
    # Streams: they last, and schemathesis reads `text/event-stream` by conventions of its own.
    "/api/v1/events",
    "/api/v1/runs/{run_id}/events",
    # The login page's own session, which is tried in tests/http.
    "/login",
    "/logout",
)


@pytest.mark.needs(minutes=7)
async def test_the_api_is_what_its_document_says(trials: MakeTrials, memory_path: Path) -> None:
    tried = trials("P19", "cases of schemathesis: stateful, all checks", short=1, goal=50_000)
    # A run of it is a part of the whole, which stops when the goal is reached.
    seconds = min(tried.seconds or 10.0, 120.0)

    async def attempt(number: int) -> None:
        async with service_trial(
            memory_path / str(number), {"quick": "echo done", "short": "sleep 0.3"}, environ={"SOLORUN_TOKEN": TOKEN}
        ) as trial:
            process = await asyncio.create_subprocess_exec(
                str(Path(sys.executable).with_name("st")), "run", f"{trial.service.url}/openapi.json",
                "-H", f"Authorization: Bearer {TOKEN}", "--checks", "all", *_left_out(),
                "--max-time", str(int(seconds)), "--request-timeout", "60", "--no-color", "--continue-on-failure",
                "--max-examples", "100000" if tried.is_long else "20",
                cwd=trial.directory, env=ENVIRON, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            )  # fmt: skip
            output = (await process.communicate())[0].decode()
            cases = int(re.findall(r"([\d,]+) generated", output)[-1].replace(",", ""))
            violations = [line.strip() for line in output.splitlines() if line.strip().startswith("❌ ST")]
            assert process.returncode == 0 or violations, output[-3000:]
            # Its starts are not on our record.
            found = [found for found in await trial.audit() if not found.startswith("nothing_refused_works")]
            assert not violations, output[-6000:]
            tried.judge(found, tried=cases)

    await tried.in_lanes(2 if tried.is_long else 1, attempt)


def _left_out() -> list[str]:
    return [word for path in LEFT_OUT for word in ("--exclude-path", path)]
