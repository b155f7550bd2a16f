"""`solorun` with a watch on its event loop: every callback that kept the CPU for 50 ms is written down.

It measures the CPU time of the loop's thread, not the clock: on a busy machine everything takes long.
"""

import asyncio
import os
import time
from asyncio import events
from typing import Any

from solorun.cli import main
from solorun.server import serving

STALL_SECONDS = float(os.environ.get("STALL_SECONDS", "0.05"))

_run = events.Handle._run


def _watched_run(self: Any) -> None:
    callback = self._callback
    began = time.thread_time()
    _run(self)
    took = time.thread_time() - began
    if took >= STALL_SECONDS:
        with open(os.environ["STALLS"], "a") as file:
            file.write(f"{took * 1000:.0f} ms in {callback!r}\n")


if __name__ == "__main__":
    events.Handle._run = _watched_run  # type: ignore[method-assign]
    serving.uvloop.new_event_loop = asyncio.new_event_loop  # type: ignore[attr-defined]
    main()
