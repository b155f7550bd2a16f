"""Looks up processes in /proc."""

from pathlib import Path


def is_alive(pid: int | str) -> bool:
    """Whether a process exists and is not a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return False
    return bool(stat) and stat[stat.rindex(b")") + 2 :][:1] not in b"ZX"
