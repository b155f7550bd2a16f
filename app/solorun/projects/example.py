"""The solorun.toml that `solorun init` writes: a project that works as it is, and the keys you need next."""

from importlib.resources import files
from pathlib import Path
from typing import Final

EXAMPLE: Final = (files(__package__) / "example.toml").read_text(encoding="utf-8")


def write_example(path: Path) -> None:
    """Write the example to `path`. Raises FileExistsError if the file exists."""
    with path.open("x", encoding="utf-8") as file:
        file.write(EXAMPLE)
