"""Opens closed standard descriptors on /dev/null.

Otherwise, the next file or socket that the process opens gets one of their numbers: it would receive what is printed,
and the event loop's library aborts the process when it closes a descriptor below 3.
"""

import os
import sys


def open_standard_descriptors() -> None:
    """Open descriptors 0 to 2 that are closed, and `sys.stdin`, `sys.stdout` and `sys.stderr` with them."""
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        try:
            os.fstat(number)
        except OSError:
            # The lowest free number is taken, and those below are open.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
        # Python sets a stream to None if its descriptor was closed when the interpreter started.
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115
