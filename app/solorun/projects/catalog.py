"""The declared projects: the last valid configuration, read again when solorun.toml has changed."""

import asyncio
import concurrent.futures
import logging
import os
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final, Self, TypeVar

from solorun.errors import ConfigurationInvalid, FieldError
from solorun.projects.configuration import Configuration, ConfiguredProjects
from solorun.projects.lint import lint
from solorun.projects.loader import ConfigurationUnreadable, check_document, read_document

T = TypeVar("T")

logger = logging.getLogger("solorun.projects")

MAX_CHECK_SECONDS: Final = 10.0
"""How long a start waits for the check of a changed file: a module that hangs on import must not block all projects."""

Stamp = tuple[int, ...]
"""The result of `stat`, which differs after every change of the file."""


class Catalog(ConfiguredProjects):
    """The projects that can be started. Belongs to one event loop.

    `configuration` is the last valid one; `errors` are those of the latest reading, () if it was valid.
    """

    def __init__(self, configuration: Configuration, stamp: Stamp | None, *, max_check_seconds: float) -> None:
        super().__init__(configuration)
        self._stamp = stamp
        self._max_check_seconds = max_check_seconds
        self._service_at_start = configuration.service
        self._lock = asyncio.Lock()
        self._readings = 0

    @classmethod
    def open(cls, path: Path, *, max_check_seconds: float = MAX_CHECK_SECONDS) -> Self:
        """Read and check the file, and import its coroutines.

        Raises ConfigurationInvalid with every error in the file, and if there is no file.
        """
        path = path.absolute()
        stamp = _find_stamp(path)
        return cls(check_document(path, read_document(path)), stamp, max_check_seconds=max_check_seconds)

    @property
    def path(self) -> Path:
        return self.configuration.path

    def lint(self) -> list[FieldError]:
        """Valid but probably unintended parts of the configuration, given the current environment."""
        return lint(self.configuration, os.environ)

    def log_warnings(self) -> None:
        """Write what `lint` finds to the service's log."""
        for warning in self.lint():
            logger.warning("%s: %s", self.path, warning)

    async def refresh(self) -> None:
        if self._lock.locked() or self._has_changed():
            seen = self._readings
            async with self._lock:
                # A reading that began after this call has seen everything that this call could see.
                if self._readings == seen and self._has_changed():
                    await self._read_again(logged=self.errors)

    async def reload(self) -> None:
        """Read the file again even if it has not changed: the directories and modules it names may have."""
        async with self._lock:
            await self._read_again(logged=())

    def _has_changed(self) -> bool:
        return self._stamp is None or self._stamp != _find_stamp(self.path)

    async def _read_again(self, logged: tuple[FieldError, ...]) -> None:
        self._readings += 1
        stamp = _find_stamp(self.path)
        work = _run_in_daemon_thread(partial(_check, self.path))
        # asyncio.wait, because it neither cancels the future nor raises its exception.
        await asyncio.wait({work}, timeout=self._max_check_seconds)
        outcome = work.result() if work.done() else _still_checking(self.path, self._max_check_seconds)
        # What could not be read is read again before the next start.
        self._stamp = None if isinstance(outcome, ConfigurationUnreadable) else stamp
        if isinstance(outcome, Configuration):
            self._accept(outcome)
            return
        self.errors = outcome.errors
        if self.errors != logged:
            # One message for each line, because the service's log escapes line ends.
            head, *lines = outcome.message.splitlines()
            logger.error("The last valid configuration stays in effect: %s", head)
            for line in lines:
                logger.error("%s", line)

    def _accept(self, new: Configuration) -> None:
        if new.service != self.configuration.service:
            old = self._service_at_start
            changed = [key for key in {**old, **new.service} if old.get(key) != new.service.get(key)]
            if changed:
                names = ", ".join(f"service.{key}" for key in changed)
                logger.warning("%s changed in %s: restart the service to apply it.", names, new.path)
        self.configuration, self.errors = new, ()
        logger.info("Read %s (projects: %d, families: %d).", new.path, len(new.projects), len(new.families))
        self.log_warnings()


def _find_stamp(path: Path) -> Stamp | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino, status.st_dev


def _check(path: Path) -> Configuration | ConfigurationInvalid:
    try:
        return check_document(path, read_document(path))
    except ConfigurationInvalid as invalid:
        return invalid
    except BaseException as error:
        logger.exception("Checking %s failed.", path)
        return ConfigurationInvalid([FieldError("", f"could not be checked: {error!r}")])


def _still_checking(path: Path, limit_seconds: float) -> ConfigurationInvalid:
    message = (
        f"{path} could not be checked within {limit_seconds:g} s: a module of a coroutine step takes long to import, "
        "or hangs. Save the file again to have it checked again."
    )
    return ConfigurationInvalid([FieldError("", message)])


def _run_in_daemon_thread(work: Callable[[], T]) -> "asyncio.Future[T]":
    """Not `asyncio.to_thread`: at exit Python would wait for a module that hangs on import. `work` never raises."""
    future: concurrent.futures.Future[T] = concurrent.futures.Future()
    threading.Thread(target=lambda: future.set_result(work()), name="solorun-catalog", daemon=True).start()
    return asyncio.wrap_future(future)
