"""What the deletion of old runs costs live work, how long it takes, and how much space it gives back."""

import asyncio
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from solorun.stores.sqlite import SqliteRunStore
from tests.benchmarks.history import PROJECTS, insert_history
from tests.benchmarks.measuring import Goal, Result, Scale, percentile
from tests.benchmarks.serving import Ours, serving

RECORDS_PER_RUN: Final = 100
RUNS_PER_ARTIFACT: Final = 10
KEPT: Final = 20
_KEEP: Final = f"\n[defaults]\nkeep = {{ runs = {KEPT} }}\n"
_SHRINKING_SECONDS: Final = 30.0
"""The file is as small as it becomes when its size has not changed for so long. It includes a checkpoint's delay."""


async def prune(scale: Scale) -> list[Result]:
    """Starts beside a run that logs, before and while all runs but the newest of each project are deleted."""
    runs, is_tiny = scale.pruned_runs, scale.pairs == 1
    with tempfile.TemporaryDirectory(prefix="solorun-benchmark-") as directory:
        data_dir = Path(directory) / ".solorun"
        await (await SqliteRunStore.open(data_dir)).close()
        await asyncio.to_thread(_insert, data_dir, runs)
        async with serving(Path(directory)) as service:
            logging = await service.start("pace", count=10_000_000, rate=1_000)
            began = time.monotonic()
            before = await _start_until(service, lambda: time.monotonic() - began > 10 * scale.seconds)
            size_before = (data_dir / "solorun.db").stat().st_size

            with (Path(directory) / "solorun.toml").open("a") as file:
                file.write(_KEEP)
            began = time.monotonic()
            report = (await service.http.post("/prune")).json()
            watch = asyncio.create_task(_wait_until_gone(service, _find_last_to_go(runs)))
            during = await _start_until(service, watch.done)
            seconds = time.monotonic() - began
            await service.cancel(logging)
            size_after = await _wait_until_shrunk(data_dir / "solorun.db", 0.1 if is_tiny else _SHRINKING_SECONDS)
            directories = sum(1 for _ in (data_dir / "artifacts").iterdir())
            assert directories <= (len(PROJECTS) + 1) * KEPT + len(before) + len(during), "artifacts are left"

    p99_before, p99_during = (percentile(times, 0.99) * 1000 for times in (before, during))
    name = f"{runs:,} runs"
    return [
        Result(
            f"p99 of a start during the deletion of {name}", "ms", Goal(at_most=2),
            ours=p99_during, limit=p99_before, ratio=p99_during / p99_before,
        ),
        Result("runs deleted a second beside live work", "1/s", None, ours=report["runs"] / seconds),
        Result(
            f"size of the database after the deletion of {name}", "MB", Goal(at_most=0.5),
            ours=size_after / 1e6, limit=size_before / 1e6, ratio=size_after / size_before,
        ),
    ]  # fmt: skip


def _insert(data_dir: Path, runs: int) -> None:
    insert_history(data_dir / "solorun.db", runs, runs * RECORDS_PER_RUN, RECORDS_PER_RUN)
    for run_id in range(1, runs + 1, RUNS_PER_ARTIFACT):
        artifacts = data_dir / "artifacts" / str(run_id)
        artifacts.mkdir(parents=True)
        (artifacts / "report.txt").write_text("done")


async def _start_until(service: Ours, is_over: Callable[[], bool]) -> list[float]:
    """Start empty runs one after another. Returns how long each start took, in seconds."""
    times: list[float] = []
    while not is_over() or not times:
        began = time.perf_counter()
        run_id = await service.start("nothing")
        times.append(time.perf_counter() - began)
        await service.ended(run_id)
    return times


def _find_last_to_go(runs: int) -> int:
    """The newest run that is deleted of the project that comes last. It has no new runs."""
    newest = max(run_id for run_id in range(1, runs + 1) if PROJECTS[(run_id - 1) % len(PROJECTS)] == max(PROJECTS))
    return newest - KEPT * len(PROJECTS)


async def _wait_until_gone(service: Ours, run_id: int) -> None:
    while (await service.http.get(f"/runs/{run_id}")).status_code != 404:
        await asyncio.sleep(0.1)


async def _wait_until_shrunk(database: Path, seconds: float) -> int:
    size, since = database.stat().st_size, time.monotonic()
    while time.monotonic() - since < seconds:
        await asyncio.sleep(0.05)
        if database.stat().st_size != size:
            size, since = database.stat().st_size, time.monotonic()
    return size
