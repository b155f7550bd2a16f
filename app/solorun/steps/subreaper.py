"""Makes the service the one to whom orphans fall when a runner dies (Linux; elsewhere nothing can be done)."""

import ctypes
import sys
from functools import cache
from typing import Final

_PR_SET_CHILD_SUBREAPER: Final = 36


@cache
def become_subreaper() -> None:
    """From now on a descendant whose parent has gone is our child instead of init's. Once a process is enough."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
