"""Runs the coroutine of a process on an event loop of its own, whatever the steps of its runs leave behind."""

import asyncio
import logging
import threading
import time
from collections.abc import Coroutine
from typing import Any, Final

import uvloop

from solorun.projects import Catalog
from solorun.server import interpreter
from solorun.server.signals import exit_now
from solorun.steps.rlimits import raise_limit

LEFTOVER_SECONDS: Final = 0.5
"""How long tasks, and then threads, that coroutine steps left running may take to end."""

_logger = logging.getLogger("solorun.server")


def run_process(main: Coroutine[Any, Any, int]) -> int:
    """Run `main`, and return its exit code.

    If a step left a thread running, the process exits with that code, but without waiting for the thread.
    """
    others = set(threading.enumerate())
    raise_limit()
    interpreter.tune()
    loop = uvloop.new_event_loop()
    try:
        code = _run_to_completion(loop, loop.create_task(main))
    finally:
        # asyncio.run would wait forever for a coroutine step that swallows every cancellation.
        loop.run_until_complete(_end_tasks())
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
    if not _end_threads(others):
        # The interpreter would wait for them forever.
        _logger.warning("Exiting without waiting for threads that steps left running.")
        exit_now(code)
    return code


async def reload_on_hangup(hangup: asyncio.Event, catalog: Catalog) -> None:
    """Read solorun.toml again whenever `hangup` is set."""
    while True:
        await hangup.wait()
        hangup.clear()
        await catalog.reload()


def _run_to_completion(loop: asyncio.AbstractEventLoop, serving: asyncio.Task[int]) -> int:
    """The result of `serving`, even if a task that a step started stops the loop."""
    while True:
        try:
            return loop.run_until_complete(serving)
        except (SystemExit, KeyboardInterrupt) as error:
            # asyncio lets these escape from any task. A caller that awaits the task sees them like any other error.
            if serving.done():
                raise
            _logger.error("A task started by a step tried to end the service: %r", error)


async def _end_tasks() -> None:
    """Cancel the tasks that steps left running, and give them a moment. The rest end with the process."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    if left:
        await asyncio.wait(left, timeout=LEFTOVER_SECONDS)


def _end_threads(others: set[threading.Thread]) -> bool:
    """Wait a moment for the threads that steps started, all but `others`. Returns whether they have ended."""
    deadline = time.monotonic() + LEFTOVER_SECONDS
    left = [thread for thread in threading.enumerate() if thread not in others and not thread.daemon]
    for thread in left:
        thread.join(max(0.0, deadline - time.monotonic()))
    return not any(thread.is_alive() for thread in left)
