"""Bytecode as an installed Python keeps it, also where Python is told to leave none behind (containers do that).

Without it each process compiles every library again: more than half of what a service's start costs.
"""

import os
import sys
from pathlib import Path


def keep_bytecode(directory: Path) -> None:
    """Let the processes that are started from now on keep theirs in `directory`, if they would keep none."""
    if sys.dont_write_bytecode:
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = str(directory)
