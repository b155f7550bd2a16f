"""Shims as programs: their requests, and what they report."""

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO

NONCE = "0123456789abcdef" * 2


@dataclass
class Started:
    process: subprocess.Popen[bytes]
    control: int
    status: IO[str]

    def read_report(self) -> str:
        """The next report, without its nonce."""
        line = self.status.readline()
        while line == "\n":
            line = self.status.readline()
        return self._without_nonce(line)

    def read_reports(self) -> list[str]:
        """All reports until the shim exits."""
        return [self._without_nonce(line) for line in self.status if line != "\n"]

    def _without_nonce(self, line: str) -> str:
        assert line.startswith(f"{NONCE} "), line
        return line.removeprefix(f"{NONCE} ").removesuffix("\n")

    def send(self, line: str) -> None:
        os.write(self.control, line.encode())

    def close_control(self) -> None:
        os.close(self.control)
        self.control = -1


StartShim = Callable[..., Started]
