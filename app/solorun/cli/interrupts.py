"""Runs a command's coroutine, which Ctrl-C cancels immediately."""

import asyncio
import signal
import threading
from collections.abc import Coroutine
from typing import Any


def run_until_interrupted(work: Coroutine[Any, Any, None]) -> None:
    """Run `work` to its end. Ctrl-C cancels it, then raises KeyboardInterrupt."""
    try:
        asyncio.run(_run(work))
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


async def _run(work: Coroutine[Any, Any, None]) -> None:
    task = asyncio.create_task(work)
    is_ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN  # as in the background of a script
    if threading.current_thread() is threading.main_thread() and not is_ignored:
        # The handler of asyncio.run does not wake an event loop that is about to wait when the signal arrives.
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, task.cancel)
    await task
