"""Raises the limit of open files for the service; its commands keep the inherited one.

Each event stream needs one file and each running command five. The usual soft limit of 1,024 exists for programs that
use `select`, which steps may be.
"""

import resource
from typing import Final

INHERITED_SOFT_LIMIT: Final = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
"""The soft limit with which this process was started."""
_ENOUGH: Final = 1_048_576
_MOST_ON_MACOS: Final = 10_240
"""macOS reports an unlimited hard limit, but its kernel accepts no more than this."""


def raise_limit() -> None:
    """Raise the soft limit to the hard one. Does nothing where that is not allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _ENOUGH if hard == resource.RLIM_INFINITY else min(hard, _ENOUGH)
    for wanted in (most, min(most, _MOST_ON_MACOS)):
        if soft == resource.RLIM_INFINITY or wanted <= soft:
            return
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (ValueError, OSError):
            continue
        return
