"""Machines that share artifacts."""

from collections.abc import Callable
from pathlib import Path

from solorun.artifacts import ArtifactStore
from solorun.settings import DataDirectory

RUN = 17


class Machine:
    """One host with its own data directory. Its steps leave files, which are uploaded."""

    def __init__(self, path: Path, open_store: Callable[[DataDirectory], ArtifactStore]) -> None:
        self.directory = DataDirectory(path)
        self.store = open_store(self.directory)

    async def leave(self, files: dict[str, bytes], run_id: int = RUN) -> None:
        for name, content in files.items():
            file = self.directory.artifacts(run_id) / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        uploads = dict([each async for each in self.store.upload(run_id, list(files))])
        assert uploads == dict.fromkeys(files)

    async def names(self, run_id: int = RUN) -> list[str]:
        page = await self.store.list_page(run_id, after="", limit=1000)
        assert not page.has_more
        return [artifact.name for artifact in page.artifacts]

    async def read(self, name: str, part: range | None = None, run_id: int = RUN) -> bytes:
        artifact = await self.store.open(run_id, name)
        return b"".join([chunk async for chunk in artifact.read(range(artifact.size_bytes) if part is None else part)])
