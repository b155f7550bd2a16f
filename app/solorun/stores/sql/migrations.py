"""Loads numbered migrations, `0001_....sql` first."""

from importlib.resources.abc import Traversable


def load_migrations(folder: Traversable, replacements: Traversable | None = None) -> tuple[str, ...]:
    """The scripts of a folder in order. A script in `replacements` replaces the one of the same name.

    Raises ValueError if a number is missing, or if a replacement replaces nothing.
    """
    scripts = _read(folder)
    for number, name in enumerate(sorted(scripts), start=1):
        if not name.startswith(f"{number:04}_"):
            raise ValueError(f"{name} should be migration number {number:04}")
    replaced = _read(replacements) if replacements is not None else {}
    if unknown := replaced.keys() - scripts.keys():
        raise ValueError(f"{', '.join(sorted(unknown))} replaces no migration")
    return tuple(replaced.get(name, scripts[name]) for name in sorted(scripts))


def _read(folder: Traversable) -> dict[str, str]:
    return {entry.name: entry.read_text(encoding="utf-8") for entry in folder.iterdir() if entry.name.endswith(".sql")}
