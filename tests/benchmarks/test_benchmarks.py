"""Runs each benchmark at a size too small for meaningful figures. What it counts must still agree."""

import asyncio
import json
import math
import subprocess
import sys
from pathlib import Path

import pytest
import uvloop

from tests.benchmarks.__main__ import BENCHMARKS, main
from tests.benchmarks.measuring import TINY, Goal, Result

_SLOW = {"disk", "at-rest", "idle"}
"""These take seconds at any size."""


@pytest.mark.parametrize("name", [name for name in BENCHMARKS if name not in _SLOW])
def test_a_benchmark_runs_and_loses_no_line(name: str) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        results = runner.run(_measure(name))

    # A difference of two measurements may be negative at this size.
    assert all(result.skipped or math.isfinite(result.ours) for result in results)


def test_results_are_written_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "results.json"

    main(["client", "--tiny", "--json", str(path)])

    (row,) = json.loads(path.read_text())
    assert row["name"] in capsys.readouterr().out
    assert row["ratio"] == pytest.approx(row["ours"] / row["limit"])


def test_an_unknown_benchmark_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["sprint"])

    assert "no such benchmark: sprint" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("result", "met"),
    [
        (Result("fast", "s", Goal(at_most=1), ours=0.9), True),
        (Result("slow", "s", Goal(at_most=1), ours=1.1), False),
        (Result("near the limit", "1/s", Goal(at_least=0.5), ours=6, limit=10, ratio=0.6), True),
        (Result("far from it", "1/s", Goal(at_least=0.5), ours=4, limit=10, ratio=0.4), False),
        (Result("without a goal", "s", None, ours=1), None),
        (Result("not measured", "s", Goal(at_most=1), skipped="no browser"), None),
    ],
)
def test_a_goal_applies_to_the_ratio_or_without_one_to_the_figure(result: Result, met: bool | None) -> None:
    assert result.met is met


def test_the_server_of_a_limit_exits_when_its_input_closes() -> None:
    command = [sys.executable, "-m", "tests.benchmarks.limits", "hello"]

    server = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=60)

    assert server.returncode == 0


async def _measure(name: str) -> list[Result]:
    return await BENCHMARKS[name](TINY)
