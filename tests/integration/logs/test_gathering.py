"""The writer lets records gather for a moment, but never while whole commits of them are waiting."""

from pathlib import Path

import pytest

from solorun.logs import writer
from solorun.record import Stream
from tests.fakes.engine import declare, open_engine

RUNS = 40
LINES = ["x" * 100] * 100


async def test_many_runs_that_together_fill_commits_are_written_without_pauses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"project-{number}" for number in range(RUNS)]
    async with open_engine(tmp_path, *(declare(name, steps=("work",)) for name in names)) as engine:
        runs = [await engine.manager.start_run(name) for name in names]
        steps = [await engine.executor.step("work") for _ in runs]
        await engine.until(lambda: all(run.last_seq == 1 for run in engine.manager.list_active_runs()))
        monkeypatch.setattr(writer, "MIN_PAUSE_SECONDS", 60.0)
        monkeypatch.setattr(writer, "MAX_PAUSE_SECONDS", 60.0)

        for step in steps:
            await step.context.output.write("work", Stream.STEP, LINES)

        await engine.until(lambda: all(run.last_seq == 101 for run in engine.manager.list_active_runs()))
        monkeypatch.undo()
        for step in steps:
            step.end()
