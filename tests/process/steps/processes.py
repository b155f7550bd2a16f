"""Inspects real processes, without the code under test."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

from tests.fakes.process_table import is_alive


async def eventually(predicate: Callable[[], object], limit_seconds: float = 60) -> None:
    """Wait until the predicate holds. Leaf processes outlive this wait: if they are gone, they were killed."""
    async with asyncio.timeout(limit_seconds):
        while not predicate():
            await asyncio.sleep(0.005)


def noted_pids(directory: Path) -> list[int]:
    """The pids that leaf processes have written down."""
    path = directory / "pids"
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def sleeping_leaves(directory: Path) -> list[int]:
    """The pids of the leaf processes that have become `sleep`."""
    return [pid for pid in noted_pids(directory) if _read(str(pid), "cmdline").startswith(b"sleep")]


def survivors(directory: Path) -> list[str]:
    """Every live process that wrote down its pid, works in the directory or names it in its environment."""
    noted = set(noted_pids(directory))
    entries = [entry for entry in os.listdir("/proc") if entry.isdigit() and int(entry) != os.getpid()]
    return [
        f"{entry} {_read(entry, 'cmdline')[:80]!r}"
        for entry in entries
        if is_alive(entry) and (int(entry) in noted or _is_at(entry, directory))
    ]


def shims(directory: Path) -> list[int]:
    """The pids of the shims whose commands work in the directory."""
    return [
        int(entry)
        for entry in os.listdir("/proc")
        if entry.isdigit() and _is_at(entry, directory) and b"/shim/run.py\0" in _read(entry, "cmdline")
    ]


def _is_at(entry: str, directory: Path) -> bool:
    try:
        working_directory = os.readlink(f"/proc/{entry}/cwd")
    except OSError:
        return False
    return working_directory == str(directory) or str(directory).encode() in _read(entry, "environ")


def _read(entry: str, name: str) -> bytes:
    try:
        return Path(f"/proc/{entry}/{name}").read_bytes()
    except OSError:
        return b""
