"""Artifacts in an object store: steps write into the data directory, and every process reads what was uploaded."""

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Final

import anyio
import obstore

from solorun.artifacts.directory import DirectoryArtifacts
from solorun.artifacts.failures import translated_failures
from solorun.artifacts.keys import key_of, parse_key, run_prefix
from solorun.artifacts.scan import media_type_of
from solorun.artifacts.store import ArtifactPage
from solorun.artifacts.transfers import Transfers
from solorun.errors import ArtifactNotFound, ArtifactStoreUnavailable, InvalidCursor
from solorun.run import Artifact
from solorun.settings import DataDirectory

if TYPE_CHECKING:
    from obstore import GetOptions, GetResult, ListStream, ObjectMeta
    from obstore.store import ObjectStore

ANSWER_SECONDS: Final = 5.0
"""How long a reader waits for a list, or for the description of an object."""
_READ_BYTES: Final = 256 * 1024
_PAGE_KEYS: Final = 1_000
"""What one request lists or deletes."""
_MAX_GAP: Final = 100
"""Runs are listed together if no more than this many other runs are between them."""

_logger: Final = logging.getLogger("solorun.artifacts")


class ObjectArtifacts:
    """An ArtifactStore. Lists everything that a run has, because each page is one request."""

    def __init__(self, objects: "ObjectStore", directory: DataDirectory) -> None:
        self._objects = objects
        self._local = DirectoryArtifacts(directory)
        self._transfers = Transfers(objects, directory)

    async def list_page(self, run_id: int, *, after: str, limit: int) -> ArtifactPage:
        try:
            offset = key_of(run_id, after) if after else None
        except ArtifactNotFound:
            raise InvalidCursor from None
        listing = obstore.list(self._objects, run_prefix(run_id), offset=offset, chunk_size=limit + 1)
        found: list[Artifact] = []
        while len(found) <= limit and (page := await _next_page(listing)):
            found += _artifacts_of(page)
        return ArtifactPage(tuple(found[:limit]), has_more=len(found) > limit)

    async def open(self, run_id: int, name: str) -> "OpenObject":
        key = key_of(run_id, name)
        try:
            with translated_failures(), anyio.fail_after(ANSWER_SECONDS):
                return OpenObject(self._objects, await obstore.head_async(self._objects, key))
        except FileNotFoundError:
            raise ArtifactNotFound(f"There is no artifact {name!a}.") from None

    async def read_all(self, run_id: int) -> Iterator[tuple[str, Iterator[bytes]]]:
        listing = obstore.list(self._objects, run_prefix(run_id), chunk_size=_PAGE_KEYS)
        return self._read_each(chain(await _next_page(listing), chain.from_iterable(listing)))

    def upload(self, run_id: int, names: Sequence[str]) -> AsyncGenerator[tuple[str, str | None]]:
        return self._transfers.upload(run_id, names)

    async def fetch(self, run_id: int) -> bool:
        with translated_failures():
            return await self._transfers.fetch(run_id)

    async def release(self, run_id: int) -> None:
        await self._local.remove([run_id])

    async def measure(self, run_ids: Sequence[int]) -> Mapping[int, int]:
        sizes = dict.fromkeys(run_ids, 0)
        with translated_failures():
            async for run_id, meta in self._find(run_ids):
                sizes[run_id] += meta["size"]
        return sizes

    async def remove(self, run_ids: Sequence[int]) -> None:
        await self._local.remove(run_ids)
        with translated_failures():
            keys: list[str] = []
            async for _, meta in self._find(run_ids):
                keys.append(meta["path"])
                if len(keys) == _PAGE_KEYS:
                    await obstore.delete_async(self._objects, keys)
                    keys.clear()
            if keys:
                await obstore.delete_async(self._objects, keys)

    async def find_last_run_id(self) -> int:
        last = await self._local.find_last_run_id()
        try:
            return await self._find_last_run_id(last)
        except ArtifactStoreUnavailable as error:
            _logger.warning("%s", error)
            return last

    def close(self) -> None:
        self._local.close()

    def _read_each(self, metas: "Iterator[ObjectMeta]") -> Iterator[tuple[str, Iterator[bytes]]]:
        with translated_failures():
            for meta in metas:
                try:
                    content = obstore.get(self._objects, meta["path"])
                except FileNotFoundError:
                    continue  # Gone since it was listed.
                for artifact in _artifacts_of([meta]):
                    yield artifact.name, _read_content(content)

    async def _find(self, run_ids: Sequence[int]) -> "AsyncIterator[tuple[int, ObjectMeta]]":
        """Find the objects of these runs. Most are neighbours, so that one request finds those of many runs."""
        wanted = set(run_ids)
        for first, last in _ranges(wanted):
            async for page in obstore.list(self._objects, offset=run_prefix(first), chunk_size=_PAGE_KEYS):
                parsed = [(found[0], meta) for meta in page if (found := parse_key(meta["path"])) is not None]
                for run_id, meta in parsed:
                    if run_id in wanted and run_id <= last:
                        yield run_id, meta
                if not parsed or parsed[-1][0] > last:
                    break

    async def _find_last_run_id(self, last: int) -> int:
        """The order of keys is that of runs, so a few requests find it. Most often there is none above `last`."""
        step = 1
        while (found := await self._find_above(last + step - 1)) is not None:
            last, step = found, step * 2
        high = last + step - 1
        while last < high:
            middle = (last + high) // 2
            found = await self._find_above(middle)
            last, high = (last, middle) if found is None else (found, high)
        return last

    async def _find_above(self, run_id: int) -> int | None:
        page = await _next_page(obstore.list(self._objects, offset=run_prefix(run_id + 1), chunk_size=1))
        found = parse_key(page[0]["path"]) if page else None
        return None if found is None else found[0]


class OpenObject:
    """An OpenArtifact. Each read is a request, which fails if the object has been replaced since."""

    def __init__(self, objects: "ObjectStore", meta: "ObjectMeta") -> None:
        self._objects = objects
        self._meta = meta
        self.size_bytes = meta["size"]
        tag = meta["e_tag"] or f'"{meta["last_modified"].timestamp()}-{meta["size"]}"'
        self.tag = tag.encode("ascii", "replace")

    async def read(self, part: range) -> AsyncGenerator[bytes]:
        if not part:
            return
        options: GetOptions = {"range": (part.start, part.stop), "if_match": self._meta["e_tag"]}
        with translated_failures():
            result = await obstore.get_async(self._objects, self._meta["path"], options=options)
            async for chunk in result.stream(min_chunk_size=_READ_BYTES):
                yield chunk

    def close(self) -> None:
        pass


async def _next_page(listing: "ListStream[Sequence[ObjectMeta]]") -> "Sequence[ObjectMeta]":
    with translated_failures(), anyio.fail_after(ANSWER_SECONDS):
        try:
            return await anext(listing)
        except StopAsyncIteration:
            return []


def _read_content(content: "GetResult") -> Iterator[bytes]:
    with translated_failures():
        yield from content.stream(min_chunk_size=_READ_BYTES)


def _artifacts_of(metas: "Sequence[ObjectMeta]") -> Iterator[Artifact]:
    for meta in metas:
        if (found := parse_key(meta["path"])) is not None:
            yield Artifact(found[1], meta["size"], media_type_of(found[1]), meta["last_modified"])


def _ranges(run_ids: set[int]) -> Iterator[tuple[int, int]]:
    """The first and the last run of each list. Other runs may be between them."""
    ordered = sorted(run_ids)
    if ordered:
        first = ordered[0]
        for earlier, later in pairwise(ordered):
            if later - earlier > _MAX_GAP:
                yield first, earlier
                first = later
        yield first, ordered[-1]
