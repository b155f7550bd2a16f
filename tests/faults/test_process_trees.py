"""Processes that try to escape a cancel: when a client receives a run's end, none of them is alive."""

import asyncio
from pathlib import Path

import pytest

from tests.faults.conftest import MakeTrials
from tests.faults.service_trial import IN_BOTH_FORMS, Form, ServiceTrial, service_trial
from tests.faults.trial import until

# Every process would outlive the wait for the end: only the service can end it in time.
NOTE = "echo $$ >> $WITNESS/pids-$SOLORUN_RUN_ID"
LEAF = f"sh -c '{NOTE}; exec sleep 600'"
DEAF = f"sh -c 'trap \"\" TERM INT HUP; {NOTE}; sleep 600; sleep 600'"
DAEMON = """python3 -c '
import os, time
path = os.environ["WITNESS"] + "/pids-" + os.environ["SOLORUN_RUN_ID"]
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        open(path, "a").write("%d\\n" % os.getpid())
        os.chdir("/")
        os.closerange(0, 256)
        time.sleep(600)
    os._exit(0)
'; wait
sleep 600
"""

STOP = """
pids="$WITNESS/pids-$SOLORUN_RUN_ID"
until [ $(wc -l < "$pids") -gt 1 ]; do sleep 0.01; done
kill -STOP $!
echo $$ >> "$pids"
wait
"""
"""Stops a process that has recorded its pid, and records another pid when that is done."""

SHAPES: dict[str, tuple[str, int]] = {
    "child": (f"{LEAF} & wait", 1),
    "setsid": (f"setsid {LEAF} & wait", 1),
    "doublefork": (f"( {LEAF} & ) ; sleep 600", 1),
    "nohup": (f"nohup {LEAF} & wait", 1),
    "deaf": (f"trap '' TERM; {DEAF} & while true; do sleep 1; done", 1),
    "deafsession": (f"setsid {DEAF} & wait", 1),
    "stopped": (f"{LEAF} & {STOP}", 2),
    "stoppedsession": (f"setsid {DEAF} & {STOP}", 2),
    "keepspipe": (f"( {LEAF} ) & ( {DEAF} ) & wait", 2),
    "flood": (f"for i in $(seq 40); do {LEAF} & done; wait", 40),
    "bareenviron": (f'setsid env -i WITNESS="$WITNESS" SOLORUN_RUN_ID="$SOLORUN_RUN_ID" {LEAF} & wait', 1),
    "daemon": (DAEMON, 1),
    "respawning": (f"respawn() {{ {LEAF} & wait $!; respawn; }}; setsid sh -c 'sleep 600' & respawn & wait", 1),
}
"""The script of each, and how many pids it records in addition to its first process."""


@pytest.mark.needs(minutes=2)
async def test_a_cancel_leaves_no_process_of_any_shape(trials: MakeTrials, tmp_path: Path) -> None:
    tried = trials(
        "P11",
        f"{len(SHAPES)} ways for a process to escape, cancelled through the service",
        short=1,
        goal=200 * len(SHAPES),
    )
    scripts = {name: script for name, (script, _) in SHAPES.items()}
    async with service_trial(tmp_path / "trial", scripts) as trial:
        for _ in tried:
            await asyncio.gather(*(_begin_and_cancel(trial, name) for name in SHAPES))
            tried.judge([], tried=len(SHAPES))
        tried.judge(await trial.audit(), tried=0)
    assert not tried.violations, tried.violations


@pytest.mark.needs(minutes=2)
@IN_BOTH_FORMS
async def test_a_run_ends_with_its_command_whichever_process_keeps_the_pipe(
    trials: MakeTrials, tmp_path: Path, form: Form
) -> None:
    tried = trials("P12", "a command that exits and leaves children that hold its pipes", short=1, goal=200)
    copies = 4 if tried.is_long else 1
    left = {f"quiet{copy}": f"{LEAF} & exit 0" for copy in range(copies)}
    left |= {f"deaf{copy}": f"setsid {DEAF} & exit 3" for copy in range(copies)}
    left["talking"] = "(while echo x; do sleep 0.01; done) &"
    flooding = {"flooding": "(while echo x; do :; done) &"}
    async with service_trial(tmp_path / "trial", left | flooding, form=form) as trial:
        for _ in tried:
            ends = await asyncio.gather(*(trial.run_to_end(name) for name in left))
            # Writing all the output that arrives until the drain ends takes as long as the machine needs.
            assert (await trial.run_to_end("flooding")).steps[0].exit_code == 0
            tried.judge([], tried=len(left))
            assert [end.steps[0].exit_code for end in ends] == [0] * copies + [3] * copies + [0]
        tried.judge(await trial.audit(), tried=0)
    assert not tried.violations, tried.violations


async def _begin_and_cancel(trial: ServiceTrial, name: str) -> None:
    """Cancel a run when all of its processes work, and read its stream to the end."""
    run_id = await trial.start(name)
    assert run_id is not None
    reader = trial.follow(run_id)
    await until(lambda: len(trial.recorded_pids(run_id)) > SHAPES[name][1])
    await trial.cancel(run_id)
    async with asyncio.timeout(60):
        run = await reader
    assert run is not None
    assert run.cancel_requested_at is not None
