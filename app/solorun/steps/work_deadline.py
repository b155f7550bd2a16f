"""Until when the commands of this process may run. Their shims read it, even while this process stands still."""

import os
import tempfile
from typing import Final

_FORMAT: Final = b"%020.3f"


class WorkDeadline:
    """A moment of `count_seconds`, in memory that the shims share by the descriptor `fd`. For any thread."""

    def __init__(self) -> None:
        if hasattr(os, "memfd_create"):
            self.fd = os.memfd_create("solorun deadline")
        else:
            self.fd, path = tempfile.mkstemp()
            os.unlink(path)  # noqa: PTH108
        self.set(0.0)

    def set(self, at: float) -> None:
        os.pwrite(self.fd, _FORMAT % at, 0)

    def close(self) -> None:
        os.close(self.fd)
