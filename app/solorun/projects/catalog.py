"""The declared projects as last read well. Reads solorun.toml again when it changed; what it says is `document`'s."""

import asyncio
import concurrent.futures
import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Self

from solorun.errors import ConfigurationInvalid, FieldError
from solorun.project import Family, Project
from solorun.projects.configuration import Configuration
from solorun.projects.lint import lint
from solorun.projects.loader import check_document, read_document

logger = logging.getLogger("solorun.projects")

MAX_CHECK_SECONDS: Final = 10.0
"""How long a start waits while a changed file is checked: a module that hangs on import must not stop all projects."""

LOOK_AGAIN_SECONDS: Final = 1.0
"""How soon a file that could not be read is tried again, though nobody starts anything: it may be there unchanged."""

_SETTLED_AFTER_NS = 100_000_000


class Catalog:
    """The projects that can be started.

    `configuration` is the last good one; `faults` are those of the file as it is now, () when it is good. Belongs to
    one event loop.
    """

    def __init__(self, reading: "Snapshot", configuration: Configuration, *, import_coroutines: bool) -> None:
        self.configuration = configuration
        self.errors: tuple[FieldError, ...] = ()
        self._import_coroutines = import_coroutines
        self._service_at_start = configuration.service
        self._last = reading
        self._turn = asyncio.Lock()
        self._readings_begun = 0
        self._looking_again: asyncio.Task[None] | None = None

    @classmethod
    def open(cls, path: Path, *, import_coroutines: bool = True) -> Self:
        """Read and check the file, importing its coroutines unless told otherwise.

        Raises ConfigurationInvalid with all faults; no file is one too.
        """
        path = path.absolute()
        sight = FileStamp.of(path)
        data = read_document(path)
        configuration = check_document(path, data, import_coroutines=import_coroutines)
        return cls(Snapshot(sight, data, configuration), configuration, import_coroutines=import_coroutines)

    @property
    def path(self) -> Path:
        return self.configuration.path

    def get_project(self, name: str) -> Project:
        """The project of this name, declared so or by a family. Raises ProjectNotFound."""
        return self.configuration.get_project(name)

    def find_family(self, name: str) -> Family | None:
        """The family that declares `name`; None when none does, or the project is declared by its own name."""
        return self.configuration.find_family(name)

    def lint(self) -> list[FieldError]:
        """What of the configuration is allowed and yet likely a slip, as the environment is now."""
        return lint(self.configuration, os.environ)

    def log_warnings(self) -> None:
        """Warn of them in the service's log."""
        for warning in self.lint():
            logger.warning("%s: %s", self.path, warning)

    async def refresh(self) -> None:
        """Read the file again if it changed; costs one `stat` if not.

        Callers at the same time share one reading. Never raises for the file: a broken one is logged and noted in
        `faults`, and the last good configuration stays.
        """
        if self._turn.locked() or self._may_have_changed():
            begun = self._readings_begun
            async with self._turn:
                # A reading that began after this call has seen all that this call could ask for.
                if self._readings_begun == begun and self._may_have_changed():
                    await self._read_again(self._last)

    async def reload(self) -> None:
        """Read the file again, changed or not: what it refers to (directories, modules) may have changed."""
        async with self._turn:
            await self._read_again(None)

    def _may_have_changed(self) -> bool:
        # A file written twice within one tick of its clock looks the same both times.
        return (
            self._last.is_unread
            or not self._last.sight.is_settled
            or FileStamp.of(self.path).identity != self._last.sight.identity
        )

    async def _read_again(self, last: "Snapshot | None") -> None:
        self._readings_begun += 1
        path, import_coroutines = self.path, self._import_coroutines
        sight = FileStamp.of(path)
        work = _in_daemon_thread(lambda: _read(path, sight, last, import_coroutines=import_coroutines))
        # asyncio.wait, since it neither cancels the thread's future nor raises what it holds.
        await asyncio.wait({work}, timeout=MAX_CHECK_SECONDS)
        reading = work.result() if work.done() else _still_checking(path, sight)
        is_news = last is None or not reading.repeats(last)
        self._last = reading
        if is_news:
            self._accept(reading)
        if reading.is_unread and (self._looking_again is None or self._looking_again.done()):
            self._looking_again = asyncio.create_task(self._look_again(), name="solorun look again")
        if not work.done():
            work.add_done_callback(lambda done: self._accept_late(done.result(), instead_of=reading))

    async def _look_again(self) -> None:
        while self._last.is_unread:
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
            await self.refresh()

    def _accept_late(self, late: "Snapshot", *, instead_of: "Snapshot") -> None:
        if self._last is instead_of:
            self._last = late
            self._accept(late)

    def _accept(self, reading: "Snapshot") -> None:
        outcome = reading.outcome
        if isinstance(outcome, ConfigurationInvalid):
            self.errors = outcome.errors
            logger.error("%s\nThe configuration read before stays in force.", outcome.message)
            return
        self._warn_of_what_needs_a_restart(outcome)
        self.configuration, self.errors = outcome, ()
        logger.info("Read %s: %d projects, %d families.", outcome.path, len(outcome.projects), len(outcome.families))
        self.log_warnings()

    def _warn_of_what_needs_a_restart(self, new: Configuration) -> None:
        if new.service == self.configuration.service:
            return
        begun = self._service_at_start
        changed = [key for key in {**begun, **new.service} if begun.get(key) != new.service.get(key)]
        if changed:
            names = ", ".join(f"service.{key}" for key in changed)
            logger.warning("%s changed in %s: this applies when the service is restarted.", names, new.path)


@dataclass(frozen=True, slots=True)
class FileStamp:
    """What a glance at the file shows. `identity` is None when there is no file to be seen.

    Not settled means that it was changed just before: it may change again without looking different.
    """

    identity: tuple[int, ...] | None
    is_settled: bool

    @classmethod
    def of(cls, path: Path) -> Self:
        try:
            seen = path.stat()
        except OSError:
            return cls(None, is_settled=True)
        identity = (seen.st_mtime_ns, seen.st_size, seen.st_ino, seen.st_dev)
        return cls(identity, is_settled=abs(time.time_ns() - seen.st_mtime_ns) > _SETTLED_AFTER_NS)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One reading of the file: what it looked like before, what it held, and what that came to."""

    sight: FileStamp
    data: bytes | None
    outcome: Configuration | ConfigurationInvalid
    is_unread: bool = False
    """There was no file, or the system refused it: what it says is not known."""

    def repeats(self, last: "Snapshot") -> bool:
        return self.outcome is last.outcome


def _read(path: Path, sight: FileStamp, last: Snapshot | None, *, import_coroutines: bool) -> Snapshot:
    """Read, and check unless it is byte for byte the `last` reading of the same file. Blocks; imports modules."""
    data = None
    try:
        try:
            data = read_document(path)
        except ConfigurationInvalid as invalid:
            was_so = last and last.is_unread and str(last.outcome) == str(invalid)
            return Snapshot(sight, None, last.outcome if last and was_so else invalid, is_unread=True)
        if last and last.sight.identity == sight.identity and last.data == data:
            return Snapshot(sight, data, last.outcome)
        return Snapshot(sight, data, check_document(path, data, import_coroutines=import_coroutines))
    except ConfigurationInvalid as invalid:
        return Snapshot(sight, data, invalid)
    except BaseException as error:
        # Nobody is above this in the thread.
        logger.exception("Checking %s failed.", path)
        return Snapshot(sight, data, ConfigurationInvalid([FieldError("", f"could not be checked: {error!r}")]))


def _still_checking(path: Path, sight: FileStamp) -> Snapshot:
    message = (
        f"{path} is still being checked after {MAX_CHECK_SECONDS:g} s: "
        "a module of a coroutine step takes long to import, or hangs. What it comes to is taken when it is known."
    )
    # As settled, lest every start begin another check of a file that was just written.
    return Snapshot(replace(sight, is_settled=True), None, ConfigurationInvalid([FieldError("", message)], message))


def _in_daemon_thread(work: Callable[[], Snapshot]) -> "asyncio.Future[Snapshot]":
    """Not `asyncio.to_thread`: at exit that would wait for a module that hangs. `work` never raises."""
    future: concurrent.futures.Future[Snapshot] = concurrent.futures.Future()

    def run() -> None:
        future.set_result(work())

    threading.Thread(target=run, name="solorun-catalog", daemon=True).start()
    return asyncio.wrap_future(future)
