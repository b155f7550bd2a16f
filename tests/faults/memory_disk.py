"""A small file system in memory, in a mount namespace of its own: really full, or really read-only. Needs root."""

import contextlib
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


class MemoryDisk:
    """Mounted on `directory`, for those only who enter the namespace of `holder`; others see it at `path`."""

    def __init__(self, directory: Path, holder: int) -> None:
        self.directory = directory
        self.holder = holder
        self.path = Path(f"/proc/{holder}/root{directory}")

    @contextmanager
    def filled(self) -> Iterator[None]:
        """Not a byte is left."""
        filler = self.path / "filler"
        with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(65536))
        with filler.open("ab", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(b"x")
        try:
            yield
        finally:
            filler.unlink()

    def remount(self, mode: str) -> bool:
        """`ro` or `rw`; False when the kernel refuses."""
        command = ["nsenter", "-t", str(self.holder), "-m", "mount", "-o", f"remount,{mode}", str(self.directory)]
        return subprocess.run(command, capture_output=True).returncode == 0


@contextmanager
def memory_disk(directory: Path, mebibytes: int) -> Iterator[MemoryDisk]:
    directory.mkdir(parents=True, exist_ok=True)
    mount = f"mount -t tmpfs -o size={mebibytes}m solorun '{directory}' && echo mounted && exec cat"
    with subprocess.Popen(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", mount],
        stdin=subprocess.PIPE,  # closed by the kernel when this process ends, and then the holder ends too
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as holder:
        try:
            assert holder.stdout is not None
            said = holder.stdout.readline()
            if said != b"mounted\n":
                pytest.skip(f"may not mount anything here (needs CAP_SYS_ADMIN): {said.decode()}")
            yield MemoryDisk(directory, holder.pid)
        finally:
            holder.kill()
