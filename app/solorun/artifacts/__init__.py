"""The files that runs leave: in the data directory, or in an object store that every process reaches.

`store` is the contract. `directory` leaves the files where steps wrote them: `scan` finds them, `open_beneath` opens
nothing outside, and `file_chunks` reads in threads. `html_page` puts the files that a page refers to into it.
`object_store` uploads them to a `bucket` under `keys` that sort by run, with a few `transfers` at a time; `failures`
says why it failed without showing a secret.
"""

from collections.abc import Mapping
from typing import Final

from solorun.artifacts.directory import DirectoryArtifacts
from solorun.artifacts.store import ArtifactStore
from solorun.errors import ConfigurationInvalid, FieldError
from solorun.settings import DataDirectory, Settings

__all__ = ["ArtifactStore", "DirectoryArtifacts", "find_secrets", "open_artifact_store"]

_SECRETS: Final = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_TOKEN")


def find_secrets(settings: Settings, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that give access to the artifact store. Logs mask their values, and no step gets them by itself."""
    return {name: environ[name] for name in _SECRETS if settings.artifact_store is not None and environ.get(name)}


def open_artifact_store(settings: Settings, directory: DataDirectory, environ: Mapping[str, str]) -> ArtifactStore:
    """An object store if the settings have its URL, else the data directory. Raises ConfigurationInvalid."""
    if settings.artifact_store is None:
        return DirectoryArtifacts(directory)
    try:
        from solorun.artifacts.bucket import open_bucket
        from solorun.artifacts.object_store import ObjectArtifacts
    except ImportError as error:
        message = f"requires another package: pip install 'solorun[s3]' ({error})"
        raise ConfigurationInvalid([FieldError("artifact_store", message)]) from error
    return ObjectArtifacts(open_bucket(settings.artifact_store, environ), directory)
