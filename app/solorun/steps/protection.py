"""Protects the service's process from its steps, which run as the same user: its environment, memory and descriptors.

A process with CAP_SYS_PTRACE, such as an ordinary root step, can read the memory anyway.
"""

import ctypes
import os
import sys
from typing import Final

from solorun.steps.shim.program import PR_SET_DUMPABLE

_SECRETS: Final = ("SOLORUN_TOKEN", "SOLORUN_DATABASE_URL", "SOLORUN_SECRET_KEY")

_OF_SYSTEMD: Final = ("CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET")

_withdrawn: dict[str, str] = {}


def protect_service(*, owns_process: bool) -> dict[str, str]:
    """Take the service's secrets out of this process's environment for good.

    Also closes /proc/<pid> and ptrace to other processes. If the service owns the process, also removes systemd's
    variables, which a host application may need. Returns the environment as it was. Safe to call twice: the second call
    returns the same.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    withdraw(*_SECRETS, *(_OF_SYSTEMD if owns_process else ()))
    return {**_withdrawn, **os.environ}


def withdraw(*names: str) -> None:
    """Take these variables out of this process's environment for good."""
    for name in names:
        _erase(name)
        if name in os.environ:
            _withdrawn[name] = os.environ.pop(name)


def _erase(name: str) -> None:
    """Overwrite the variable's value where the process was given it: /proc/<pid>/environ shows that memory forever."""
    try:
        variables = ctypes.POINTER(ctypes.c_void_p).in_dll(ctypes.CDLL(None), "environ")
    except ValueError:
        return  # macOS keeps `environ` elsewhere
    prefix = os.fsencode(name) + b"="
    index = 0
    while address := variables[index]:
        variable = ctypes.string_at(address)
        if variable.startswith(prefix):
            ctypes.memset(address + len(prefix), 0, len(variable) - len(prefix))
        index += 1
