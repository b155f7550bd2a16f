"""How many files may be open: the service takes as many as it may have, its commands get what it was given.

Each stream takes one and each active command five, and the usual limit of 1,024 is meant for programs that use
`select`. Steps may be such programs: theirs stays as it was.
"""

import resource
from typing import Final

INHERITED_SOFT_LIMIT: Final = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
"""The soft limit that this process was started with."""
_ENOUGH: Final = 1_048_576
_MOST_ON_MACOS: Final = 10_240
"""There the hard limit says "unlimited", and the kernel takes no more than this."""


def raise_limit() -> None:
    """Raise the soft limit to the hard one. Where that is not allowed all stays as it is."""
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
