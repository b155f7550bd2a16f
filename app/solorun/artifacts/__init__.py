"""The files that runs leave: in the data directory, or in an object store that every process reaches."""

from solorun.artifacts.directory import DirectoryArtifacts
from solorun.artifacts.store import ArtifactStore
from solorun.settings import DataDirectory, Settings

__all__ = ["ArtifactStore", "DirectoryArtifacts", "open_artifact_store"]


def open_artifact_store(settings: Settings, directory: DataDirectory) -> ArtifactStore:  # noqa: ARG001
    """The artifact store that the settings choose."""
    return DirectoryArtifacts(directory)
