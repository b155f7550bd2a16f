"""Executes a program that ends with the process which launched it, however that one ends (Linux only).

Run as a program: launcher.py PARENT SIGNAL USER PROGRAM [ARGUMENT …]. USER is a uid, or -1 for the same user.
"""

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1


def main(program: list[str], parent: int, signal: int, uid: int) -> None:
    if uid >= 0:
        os.setgroups([])
        os.setgid(uid)
        os.setuid(uid)
    if sys.platform == "linux":
        # The kernel forgets it when the user changes.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal, 0, 0, 0)
        if os.getppid() != parent:
            sys.exit("The process that launched this one has ended.")
    os.execv(program[0], program)  # noqa: S606 - that is its purpose


if __name__ == "__main__":
    main(sys.argv[4:], *map(int, sys.argv[1:4]))
