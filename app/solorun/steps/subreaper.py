"""Makes the service adopt the processes whose shim was killed (Linux only)."""

import ctypes
import sys
from functools import cache
from typing import Final

_PR_SET_CHILD_SUBREAPER: Final = 36


@cache
def become_subreaper() -> None:
    """From now on, orphaned descendants become children of this process instead of init's. Safe to call twice."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
