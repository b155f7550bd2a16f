"""The writer lets records gather for a moment, but never while whole commits of them are waiting."""

from pathlib import Path

from solorun.logs import WriterLimits
from solorun.record import Stream
from tests.fakes.engine import EngineLimits, declare, open_engine

RUNS = 40
LINES = ["x" * 100] * 100
ENDLESS_PAUSES = EngineLimits(writer=WriterLimits(min_pause_seconds=3600.0, max_pause_seconds=3600.0))


async def test_runs_that_fill_commits_together_are_written_without_pauses(tmp_path: Path) -> None:
    names = [f"project-{number}" for number in range(RUNS)]
    projects = [declare(name, steps=("work",)) for name in names]
    async with open_engine(tmp_path, *projects, limits=ENDLESS_PAUSES) as engine:
        gate = engine.faults.hold("commit")
        runs = [await engine.manager.start_run(name) for name in names]
        await gate.reached.wait()
        for handle in engine.registry:
            await handle.channel.write("work", Stream.STEP, LINES)

        gate.open()

        await engine.until(lambda: all(run.last_seq == 101 for run in engine.manager.list_active_runs()))
        for step in [await engine.executor.step("work") for _ in runs]:
            step.end()
