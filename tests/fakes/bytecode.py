"""Caches bytecode even where PYTHONDONTWRITEBYTECODE is set, as in containers.

Without a cache, each process compiles every library again, which takes more than half of a service's start-up time.
"""

import os
import sys
from pathlib import Path


def keep_bytecode(directory: Path) -> None:
    """Let new processes cache their bytecode in `directory`, if they would not cache it otherwise."""
    if sys.dont_write_bytecode:
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = str(directory)
