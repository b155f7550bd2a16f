"""The files in which each step leaves its result for the next one."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Generic, TypeVar

import msgspec

from solorun_examples.glossary.models import Candidate, Entry, Finding, Glossary

T = TypeVar("T")


class InputMissing(Exception):
    """The file of an earlier step is missing or unreadable; the message names the step to run."""


@dataclass(frozen=True, slots=True)
class StepFile(Generic[T]):
    """A JSON file that one step writes. Equal content gives equal bytes."""

    name: str
    step: str
    kind: type[T]

    def load(self, directory: Path) -> T:
        try:
            return msgspec.json.decode((directory / self.name).read_bytes(), type=self.kind)
        except FileNotFoundError:
            raise InputMissing(f"{self.name} is missing: run the step {self.step} first.") from None
        except msgspec.DecodeError as error:
            raise InputMissing(f"{self.name} is unreadable ({error}): run the step {self.step} again.") from None

    def save(self, directory: Path, content: T) -> None:
        write_atomically(directory / self.name, msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n")

    def written_at(self, directory: Path) -> int:
        return (directory / self.name).stat().st_mtime_ns


CANDIDATES: Final = StepFile("candidates.json", "extract", dict[str, tuple[Candidate, ...]])  # by document
ENTRIES: Final = StepFile("entries.json", "generate", tuple[Entry, ...])
FINDINGS: Final = StepFile("findings.json", "review", tuple[Finding, ...])
GLOSSARY: Final = StepFile("glossary.json", "refine", Glossary)


def write_atomically(path: Path, content: bytes) -> None:
    """A step that is stopped in the middle leaves the old file or the new one."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(content)
    temporary.replace(path)
