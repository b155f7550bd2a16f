"""Opens closed standard descriptors on /dev/null.

Otherwise, the next file or socket that the process opens gets one of their numbers: it would receive what is printed,
and the event loop's library aborts the process when it closes a descriptor below 3.
"""

import os
import sys


def open_standard_descriptors() -> None:
    """Open descriptors 0 to 2 that are closed, and `sys.stdin`, `sys.stdout` and `sys.stderr` with them."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            _open_null(number)
    # Python sets a stream to None if its descriptor was closed when the interpreter started.
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - open until the process exits
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115


def _open_null(number: int) -> None:
    opened = os.open(os.devnull, os.O_RDONLY if number == 0 else os.O_WRONLY)
    if opened == number:
        os.set_inheritable(number, True)
    else:
        os.dup2(opened, number)
        os.close(opened)
