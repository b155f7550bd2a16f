"""`solorun` with a watch on its event loop: whenever something posted to it had to wait too long, it is written down.

It counts the CPU time that the loop's thread took meanwhile, not the clock: on a busy machine everything takes long.
And it counts it at the speed of the machine on which the promise was measured: on a slower one everything takes longer.
"""

import os
import sys
import threading
import time
import traceback
from pathlib import Path
from statistics import median
from typing import Any, NoReturn

from solorun.cli import main
from solorun.server import main as serving

STALL_SECONDS = 0.05
REFERENCE_SECONDS = 0.0011
"""What `_work` takes there."""
_PAUSE_SECONDS = 0.005
_PATIENCE_SECONDS = 60.0


def _watch(loop: Any, path: str) -> None:
    thread = threading.main_thread().ident
    assert thread is not None
    clock = time.pthread_getcpuclockid(thread)
    # Coming up is not what is tried.
    while not Path(path).exists():
        time.sleep(_PAUSE_SECONDS)
    while True:
        answered = threading.Event()
        began = time.clock_gettime(clock)
        try:
            loop.call_soon_threadsafe(answered.set)
        except RuntimeError:
            return  # The loop is closed.
        place = ""
        if not answered.wait(STALL_SECONDS):
            frame = sys._current_frames().get(thread)
            place = " < ".join(
                f"{Path(entry.filename).name}:{entry.lineno} {entry.name}"
                for entry in reversed(traceback.extract_stack(frame)[-16:])
                if "importlib" not in entry.filename
            )
            if not answered.wait(_PATIENCE_SECONDS):
                return  # The loop has ended.
        took = time.clock_gettime(clock) - began
        if took >= STALL_SECONDS and took >= STALL_SECONDS * _slowness():
            with open(path, "a") as file:
                file.write(f"the loop was held for {took * 1000:.0f} ms of CPU; by then in: {place}\n")
        time.sleep(_PAUSE_SECONDS)


def _slowness() -> float:
    """How many times as long as there our kind of work takes here and now; at least 1."""
    return max(1.0, median(_work() for _ in range(9)) / REFERENCE_SECONDS)


def _work() -> float:
    """The CPU time of some work in Python."""
    began, total, seen = time.thread_time(), 0, {}
    for number in range(20_000):
        seen[number & 255] = total
        total += number % 7
    return time.thread_time() - began


def run() -> NoReturn:
    """The command line, its loop watched."""
    make_loop = serving.uvloop.new_event_loop  # type: ignore[attr-defined]

    def new_event_loop() -> Any:
        loop = make_loop()
        threading.Thread(target=_watch, args=(loop, os.environ["STALLS"]), daemon=True).start()
        return loop

    serving.uvloop.new_event_loop = new_event_loop  # type: ignore[attr-defined]
    sys.exit(main())
