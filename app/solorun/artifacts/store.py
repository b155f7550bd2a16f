"""The port to where artifacts are kept: the data directory, or an object store that every process reaches.

A step always writes into a directory of its own machine, whatever keeps the artifacts.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from solorun.run import Artifact


@dataclass(frozen=True, slots=True)
class ArtifactPage:
    """Artifacts by name. `has_more`: another page follows. `truncated`: the run has more than are ever listed."""

    artifacts: tuple[Artifact, ...]
    has_more: bool = False
    truncated: bool = False


class ArtifactChunks(Protocol):
    """An iterator of an artifact's bytes. `aclose` releases what it reads from, even if nothing was read."""

    def __aiter__(self) -> AsyncIterator[bytes]: ...

    async def aclose(self) -> None: ...


class OpenArtifact(Protocol):
    """An artifact that can be read. `tag` identifies this version of it, with quotes, as in an ETag header."""

    @property
    def size_bytes(self) -> int: ...

    @property
    def tag(self) -> bytes: ...

    def read(self, part: range) -> ArtifactChunks:
        """These bytes of it, in chunks. The chunks close the artifact."""

    def close(self) -> None: ...


class ArtifactStore(Protocol):
    """The artifacts of all runs. Methods raise ArtifactStoreUnavailable if it cannot be reached."""

    async def list_page(self, run_id: int, *, after: str, limit: int) -> ArtifactPage:
        """The run's first `limit` artifacts with names greater than `after`."""

    async def open(self, run_id: int, name: str) -> OpenArtifact:
        """Raises ArtifactNotFound."""

    async def read_all(self, run_id: int) -> Iterator[tuple[str, Iterator[bytes]]]:
        """All artifacts of the run with their contents. The iterators block: use a thread."""

    def upload(self, run_id: int, names: Sequence[str]) -> AsyncGenerator[tuple[str, str | None]]:
        """Copy these files of the run's artifact directory to where every process finds them.

        Yields each name when the file is there, or has failed: then with the reason. Closing the generator stops the
        rest.
        """

    async def fetch(self, run_id: int) -> bool:
        """Bring the artifacts of an ended run into its artifact directory on this machine. False if that exists."""

    async def release(self, run_id: int) -> None:
        """Give up the run's artifact directory on this machine, if its files are kept elsewhere."""

    async def measure(self, run_ids: Sequence[int]) -> Mapping[int, int]:
        """The size of the artifacts of each run. Those without artifacts may be missing."""

    async def remove(self, run_ids: Sequence[int]) -> None:
        """Delete the artifacts of these runs. What may not be deleted is logged.

        Raises ArtifactStoreUnavailable, when all of them have to be deleted again.
        """

    async def find_last_run_id(self) -> int:
        """The largest id of a run with artifacts, 0 if there is none. Logs what cannot be reached."""

    def close(self) -> None: ...
