"""Loads a database's migrations: numbered SQL files without a gap, `0001_....sql` first."""

from importlib.resources.abc import Traversable


def load_migrations(folder: Traversable) -> tuple[str, ...]:
    """The scripts in order. Raises ValueError if a number is missing."""
    scripts = sorted((entry.name, entry) for entry in folder.iterdir() if entry.name.endswith(".sql"))
    for number, (name, _) in enumerate(scripts, start=1):
        if not name.startswith(f"{number:04}_"):
            raise ValueError(f"{name} should be migration number {number:04}")
    return tuple(entry.read_text(encoding="utf-8") for _, entry in scripts)
