"""The files through which the steps hand on their work: versioned, written atomically, in a deterministic order."""

import asyncio
import hashlib
import os
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from solorun_examples.glossary.entries import (
    Candidate,
    Context,
    Dropped,
    Entry,
    Finding,
    GlossaryEntry,
    Kind,
    Passage,
)

VERSION: Final = 1
T = TypeVar("T", bound=msgspec.Struct)


class GlossaryFile(msgspec.Struct, frozen=True):
    """What refine leaves for readers that are programs."""

    version: int
    documents: tuple[str, ...]
    entries: tuple[GlossaryEntry, ...]
    dropped: tuple[Dropped, ...]
    notes: dict[str, str]


class InputMissing(Exception):
    """A step cannot work: what an earlier step leaves is not there, or is of no use."""


class Sightings(msgspec.Struct, frozen=True):
    """What one document holds, by terms in lower case: where each was seen, what is said of it, how it is used.

    `uses` counts each spelling; "" stands for those at the beginning of a sentence, whose capital says nothing.
    """

    kinds: dict[str, tuple[Kind, ...]]
    passages: dict[str, tuple[Passage, ...]]
    contexts: dict[str, tuple[Context, ...]]
    uses: dict[str, dict[str, int]]


class SightingsFile(msgspec.Struct, frozen=True):
    """extract's memory of each document below `root`, so that a run over some keeps what it knows of the others."""

    version: int
    root: str
    documents: dict[str, Sightings]


class CandidatesFile(msgspec.Struct, frozen=True):
    """extract → generate. `root` is the documents' directory; `dropped` is what seemed defined and is no candidate."""

    version: int
    root: str
    documents: tuple[str, ...]
    candidates: tuple[Candidate, ...]
    dropped: tuple[Dropped, ...] = ()


class EntriesFile(msgspec.Struct, frozen=True):
    """generate → review, refine. `made_from` is the digest of the candidates."""

    version: int
    made_from: str
    root: str
    documents: tuple[str, ...]
    entries: tuple[Entry, ...]
    dropped: tuple[Dropped, ...] = ()


class FindingsFile(msgspec.Struct, frozen=True):
    """review → refine. `made_from` is the digest of the entries that were reviewed."""

    version: int
    made_from: str
    findings: tuple[Finding, ...]


_NAMES: Final[dict[type[msgspec.Struct], tuple[str, str]]] = {
    SightingsFile: ("sightings.json", "extract"),
    CandidatesFile: ("candidates.json", "extract"),
    EntriesFile: ("entries.json", "generate"),
    GlossaryFile: ("glossary.json", "refine"),
    FindingsFile: ("findings.json", "review"),
}


def load(workspace: Path, kind: type[T]) -> tuple[T, str]:
    """What an earlier step left, and its digest. InputMissing says which step must be run first."""
    name, step = _NAMES[kind]
    try:
        content = (workspace / name).read_bytes()
    except FileNotFoundError:
        raise InputMissing(f"There is no {name} in the workspace: run the step {step} first.") from None
    try:
        loaded = msgspec.json.decode(content, type=kind)
    except msgspec.DecodeError as error:
        raise InputMissing(f"{name} cannot be read ({error}): run the step {step} again.") from None
    version = getattr(loaded, "version", None)
    if version != VERSION:
        raise InputMissing(f"{name} has version {version}, wanted is {VERSION}: run the step {step} again.")
    return loaded, hashlib.sha256(content).hexdigest()


def find(workspace: Path, kind: type[T]) -> T | None:
    """The file as an earlier run of the same step left it; None when it is of no use."""
    try:
        return load(workspace, kind)[0]
    except InputMissing:
        return None


def save(workspace: Path, content: msgspec.Struct) -> Path:
    """Write a step's result; the same content is always the same bytes."""
    path = workspace / _NAMES[type(content)][0]
    write_atomically(path, encode(content))
    return path


async def save_to_the_end(workspace: Path, content: msgspec.Struct) -> None:
    """`save` in a thread, as `write_to_the_end`."""
    await write_to_the_end(workspace / _NAMES[type(content)][0], await asyncio.to_thread(encode, content))


async def write_to_the_end(path: Path, content: bytes) -> None:
    """Write in a thread. A cancellation waits for it: after a step has ended, nothing more is written."""
    writing = asyncio.ensure_future(asyncio.to_thread(write_atomically, path, content))
    try:
        await asyncio.shield(writing)
    except asyncio.CancelledError:
        await asyncio.wait([writing])
        raise


def encode(content: object) -> bytes:
    return msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n"


def write_atomically(path: Path, content: bytes) -> None:
    """A reader, and a run after a crash, sees the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
