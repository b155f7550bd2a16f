"""A small tmpfs in a separate mount namespace, which can be filled or remounted read-only. Needs root."""

import contextlib
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


class MemoryDisk:
    """Mounted on `directory` in the mount namespace of `holder`; other processes reach it at `path`."""

    def __init__(self, directory: Path, holder: int) -> None:
        self.directory = directory
        self.holder = holder
        self.path = Path(f"/proc/{holder}/root{directory}")

    @contextmanager
    def filled(self) -> Iterator[None]:
        """Fill the file system to the last byte."""
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
        """Remount as `ro` or `rw`; False if the kernel refuses."""
        command = ["nsenter", "-t", str(self.holder), "-m", "mount", "-o", f"remount,{mode}", str(self.directory)]
        return subprocess.run(command, capture_output=True).returncode == 0


@contextmanager
def memory_disk(directory: Path, mebibytes: int) -> Iterator[MemoryDisk]:
    directory.mkdir(parents=True, exist_ok=True)
    mount = f"mount -t tmpfs -o size={mebibytes}m,mode=700 solorun '{directory}' && echo mounted && exec cat"
    with subprocess.Popen(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", mount],
        stdin=subprocess.PIPE,  # the kernel closes it when this process ends, and then the holder ends
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as holder:
        try:
            assert holder.stdout is not None
            output = holder.stdout.readline()
            if output != b"mounted\n":
                pytest.skip(f"mounting needs CAP_SYS_ADMIN: {output.decode()}")
            yield MemoryDisk(directory, holder.pid)
        finally:
            holder.kill()
