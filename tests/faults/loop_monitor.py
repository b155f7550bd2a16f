"""Runs `solorun` with a monitor of its event loop, which records every callback that had to wait too long.

The monitor measures the CPU time of the loop's thread, not elapsed time, which includes what other programs take. It
scales the limit to the speed of this machine, relative to the one on which the promise was measured.
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
from solorun.server import process as serving

STALL_SECONDS = 0.05
REFERENCE_SECONDS = 0.0011
"""The CPU time of `_reference_work` on that machine."""
_PAUSE_SECONDS = 0.005
_GIVE_UP_SECONDS = 60.0


def _monitor(loop: Any, path: str) -> None:
    thread = threading.main_thread().ident
    assert thread is not None
    clock = time.pthread_getcpuclockid(thread)
    # Monitoring begins after the start-up.
    while not Path(path).exists():
        time.sleep(_PAUSE_SECONDS)
    while True:
        answered = threading.Event()
        began = time.clock_gettime(clock)
        try:
            loop.call_soon_threadsafe(answered.set)
        except RuntimeError:
            return  # the loop is closed
        place = ""
        if not answered.wait(STALL_SECONDS):
            frame = sys._current_frames().get(thread)
            place = " < ".join(
                f"{Path(entry.filename).name}:{entry.lineno} {entry.name}"
                for entry in reversed(traceback.extract_stack(frame)[-16:])
                if "importlib" not in entry.filename
            )
            if not answered.wait(_GIVE_UP_SECONDS):
                return  # the loop has ended
        took = time.clock_gettime(clock) - began
        if took >= STALL_SECONDS and took >= STALL_SECONDS * _slowdown():
            with open(path, "a") as file:
                file.write(f"the loop was blocked for {took * 1000:.0f} ms of CPU time; stack: {place}\n")
        time.sleep(_PAUSE_SECONDS)


def _slowdown() -> float:
    """How many times slower than the reference machine this one is now; at least 1."""
    return max(1.0, median(_reference_work() for _ in range(9)) / REFERENCE_SECONDS)


def _reference_work() -> float:
    """The CPU time of a fixed amount of work in Python."""
    began, total, seen = time.thread_time(), 0, {}
    for number in range(20_000):
        seen[number & 255] = total
        total += number % 7
    return time.thread_time() - began


def run() -> NoReturn:
    """Runs the command line with a monitored event loop."""
    make_loop = serving.uvloop.new_event_loop  # type: ignore[attr-defined]

    def new_event_loop() -> Any:
        loop = make_loop()
        threading.Thread(target=_monitor, args=(loop, os.environ["STALLS"]), daemon=True).start()
        return loop

    serving.uvloop.new_event_loop = new_event_loop  # type: ignore[attr-defined]
    sys.exit(main())
