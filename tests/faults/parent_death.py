"""Ends a forked process when the process that forked it is gone, however that one ended. Linux only."""

import ctypes
import os
import signal

_PR_SET_PDEATHSIG = 1


def end_with_parent(parent: int) -> None:
    """Call it in the child right after the fork; `parent` is the pid of the forking process.

    The kernel then sends SIGKILL when the thread that forked ends, so fork from a main thread.
    """
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    if os.getppid() != parent:
        # The parent ended before the request, so no signal will come.
        os._exit(1)
