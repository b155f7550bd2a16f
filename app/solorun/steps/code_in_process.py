"""Knows which coroutines and functions of steps are running in this process. They may outlive the service that started
them: it ends after its shutdown limit, and a program may start another one.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

_POLL_SECONDS: Final = 0.05

_running: dict[tuple[Path, int], list[Callable[[], bool]]] = {}
"""By data directory and run. Each call says whether the code is running."""


def track(data_dir: Path, run_id: int, is_running: Callable[[], bool]) -> None:
    """Remember the code of a run for as long as `is_running` returns true."""
    for key in [key for key, calls in _running.items() if not any(call() for call in calls)]:
        del _running[key]
    _running.setdefault(_key(data_dir, run_id), []).append(is_running)


async def wait_until_ended(data_dir: Path, run_id: int, warn: Callable[[str], Awaitable[None]]) -> None:
    """Return when no code of the run is running in this process."""
    calls = _running.get(_key(data_dir, run_id), [])
    if any(call() for call in calls):
        await warn("waiting for its function, which an earlier service in this process could not stop")
    while any(call() for call in calls):  # noqa: ASYNC110 - it may belong to an event loop that has ended
        await asyncio.sleep(_POLL_SECONDS)


def _key(data_dir: Path, run_id: int) -> tuple[Path, int]:
    return data_dir.resolve(), run_id
