"""Measures the service against its limits: `python -m tests.benchmarks [NAME...] [--json FILE] [--tiny]`."""

import argparse
import asyncio
import json
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final

import uvloop

from tests.benchmarks import (
    cancelling,
    client,
    cluster,
    crowds,
    dashboard,
    delivery,
    fanout,
    history,
    idle,
    memory,
    neighbours,
    postgres,
    processes,
    pruning,
    records,
    replay,
    replicas,
    searches,
    starts,
    turns,
)
from tests.benchmarks.measuring import FULL, TINY, Result, Scale
from tests.fakes.bytecode import keep_bytecode

Benchmark = Callable[[Scale], Awaitable[list[Result]]]

BENCHMARKS: Final[Mapping[str, Benchmark]] = {
    "requests": starts.requests,
    "empty-runs": starts.empty_runs,
    "records": records.records,
    "disk": records.disk,
    "many-runs": records.many_runs,
    "fan-out": fanout.paced,
    "fan-out-full-speed": fanout.at_full_speed,
    "queues": fanout.queues,
    "delivery": delivery.idle_run,
    "stalled-readers": delivery.stalled_readers,
    "crowds": crowds.crowds,
    "stream-memory": memory.streams,
    "replay": replay.replay,
    "cancel": cancelling.cancels,
    "turns": turns.turns,
    "shutdown": cancelling.shutdown,
    "child-lines": processes.child_lines,
    "client": client.client,
    "at-rest": memory.at_rest,
    "idle": idle.idle,
    "dashboard": dashboard.dashboard,
    "history": history.history,
    "neighbours": neighbours.neighbours,
    "postgres": postgres.postgres,
    "cluster": cluster.cluster,
    "replicas": replicas.replicas,
    "prune": pruning.prune,
    "searches": searches.searches,
    "soak": memory.soak,
}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"which to run, of {', '.join(BENCHMARKS)}; default: all"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the results to this file")
    parser.add_argument(
        "--tiny", action="store_true", help="a size too small for meaningful figures, to check that the benchmarks run"
    )
    parser.add_argument(
        "--soak-seconds", type=float, metavar="N", help="how long the soak lasts; use 1800 for the long form"
    )
    parser.add_argument(
        "--pruned-runs", type=int, metavar="N", help="how many runs of 100 records are pruned; 100000 for the long form"
    )
    options = parser.parse_args(arguments)
    unknown = set(options.names) - BENCHMARKS.keys()
    if unknown:
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    scale = TINY if options.tiny else FULL
    if options.soak_seconds:
        scale = replace(scale, soak_seconds=options.soak_seconds)
    if options.pruned_runs:
        scale = replace(scale, pruned_runs=options.pruned_runs)
    results = measure(options.names or list(BENCHMARKS), scale)
    if options.json:
        options.json.write_text(json.dumps([{**asdict(result), "met": result.met} for result in results], indent=2))


def measure(names: Sequence[str], scale: Scale) -> list[Result]:
    """Run the benchmarks one after another, and print each row when it is known."""
    with tempfile.TemporaryDirectory(prefix="solorun-benchmark-bytecode-") as bytecode:
        keep_bytecode(Path(bytecode))
        return _measure(names, scale)


def _measure(names: Sequence[str], scale: Scale) -> list[Result]:
    print(f"{'Benchmark':48} {'Solorun':>12} {'Reference':>12} {'Ratio':>7} {'Goal':>9}  Met")
    results: list[Result] = []
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        for name in names:
            for result in runner.run(_run(name, scale)):
                print(_row(result), flush=True)
                results.append(result)
    return results


async def _run(name: str, scale: Scale) -> list[Result]:
    return await BENCHMARKS[name](scale)


def _row(result: Result) -> str:
    if result.skipped:
        return f"{result.name:48} skipped: {result.skipped}"
    met = {None: "-", True: "yes", False: "NO"}[result.met]
    limit = "-" if result.limit is None else f"{result.limit:,.4g}"
    ratio = "-" if result.ratio is None else f"{result.ratio:.2f}"
    goal = "-" if result.goal is None else str(result.goal)
    return f"{result.name:48} {result.ours:>12,.4g} {limit:>12} {ratio:>7} {goal:>9}  {met}  ({result.unit})"


if __name__ == "__main__":
    main()
