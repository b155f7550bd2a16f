"""Looking for a text in files that a running program makes and removes."""

import os
from pathlib import Path


def find_files_with(text: str, directory: Path) -> list[Path]:
    """The files below the directory that have the text in their name or their bytes.

    What is removed meanwhile, a file or a directory, holds nothing any more.
    """
    files = [Path(parent) / name for parent, _, names in os.walk(directory) for name in names]
    return [path for path in files if text in path.name or text.encode() in _read(path)]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes() if path.is_file() else b""
    except FileNotFoundError:
        return b""
