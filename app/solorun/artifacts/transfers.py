"""Copies files between the artifact directories of this machine and an object store, a few at a time."""

import asyncio
import os
import shutil
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

import obstore

from solorun.artifacts.failures import describe_failure, is_unreachable
from solorun.artifacts.keys import key_of, parse_key, run_prefix
from solorun.artifacts.open_beneath import open_beneath
from solorun.settings import DataDirectory

if TYPE_CHECKING:
    from obstore.store import ObjectStore

MAX_TRANSFERS: Final = 8
"""How many files are copied at a time, of all runs together. They take up to 100 MiB of memory."""
_PART_BYTES: Final = 5 * 1024 * 1024
_PARTS_PER_FILE: Final = 1
_MAX_PARTS: Final = 10_000


class Transfers:
    """The object store itself tries each request again, for as long as it was configured to."""

    def __init__(self, objects: "ObjectStore", directory: DataDirectory) -> None:
        self._objects = objects
        self._directory = directory
        self._limit = asyncio.Semaphore(MAX_TRANSFERS)

    async def upload(self, run_id: int, names: Sequence[str]) -> AsyncGenerator[tuple[str, str | None]]:
        """See ArtifactStore. When the object store cannot be reached, the rest is not tried."""
        waiting, lost = iter(names), ""
        results: asyncio.Queue[tuple[str, str | None]] = asyncio.Queue()

        async def work() -> None:
            nonlocal lost
            for name in waiting:
                failure = lost or None
                try:
                    if not lost:
                        await self._upload(run_id, name)
                except (asyncio.CancelledError, KeyboardInterrupt, SystemExit):
                    raise
                except BaseException as error:  # noqa: BLE001 - as a panic in obstore is one; the caller reports it
                    failure = describe_failure(error)
                    lost = failure if is_unreachable(error) else lost
                results.put_nowait((name, failure))

        tasks = [asyncio.create_task(work()) for _ in range(min(MAX_TRANSFERS, len(names)))]
        try:
            for _ in names:
                yield await results.get()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def fetch(self, run_id: int) -> bool:
        """See ArtifactStore. The directory appears when it is complete."""
        directory = self._directory.artifacts(run_id)
        if await asyncio.to_thread(os.path.lexists, directory):
            return False
        unfinished = directory.with_name(f".{run_id}.part")
        try:
            await asyncio.to_thread(_create, unfinished)
            async for page in obstore.list(self._objects, run_prefix(run_id), chunk_size=1_000):
                async with asyncio.TaskGroup() as group:
                    for meta in page:
                        if (found := parse_key(meta["path"])) is not None:
                            group.create_task(self._download(meta["path"], unfinished / found[1]))
            await asyncio.to_thread(unfinished.rename, directory)
            return True
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None
        finally:
            await asyncio.to_thread(shutil.rmtree, unfinished, ignore_errors=True)

    async def _upload(self, run_id: int, name: str) -> None:
        key = key_of(run_id, name)
        async with self._limit:
            descriptor = await asyncio.to_thread(open_beneath, self._directory.artifacts(run_id), name)
            with os.fdopen(descriptor, "rb") as file:
                size = os.fstat(descriptor).st_size
                await obstore.put_async(
                    self._objects,
                    key,
                    file,
                    chunk_size=max(_PART_BYTES, -(-size // _MAX_PARTS)),
                    max_concurrency=_PARTS_PER_FILE,
                )

    async def _download(self, key: str, path: Path) -> None:
        async with self._limit:
            try:
                content = await obstore.get_async(self._objects, key)
            except FileNotFoundError:
                return  # Gone since it was listed.
            try:
                file = await asyncio.to_thread(_open_new, path)
            except (FileExistsError, NotADirectoryError):
                return  # A file has become a directory: both are in the object store.
            with file:
                async for chunk in content.stream(min_chunk_size=_PART_BYTES):
                    await asyncio.to_thread(file.write, chunk)


def _create(directory: Path) -> None:
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(mode=0o700, parents=True)


def _open_new(path: Path) -> BinaryIO:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("xb")
