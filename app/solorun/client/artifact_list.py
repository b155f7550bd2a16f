"""Reads all pages of a list of artifacts."""

from solorun.client.transport import Connection
from solorun.run import Artifact
from solorun.wire import ArtifactList


async def list_artifacts(connection: Connection, path: str) -> ArtifactList:
    """The pages at `path` as one list."""
    artifacts: list[Artifact] = []
    cursor = None
    while True:
        page = await connection.request("GET", path, ArtifactList, query={"cursor": cursor})
        artifacts += page.artifacts
        cursor = page.next_cursor
        if cursor is None:
            return ArtifactList(tuple(artifacts), None, page.truncated)
