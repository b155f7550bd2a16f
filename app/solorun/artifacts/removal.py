"""Deletes the artifact directories of runs. Never follows a link. Blocks: use a thread."""

import os
import shutil

from solorun.settings import DataDirectory


def remove_artifacts(directory: DataDirectory, run_id: int) -> None:
    """Delete a run's artifact directory, if it exists. A link in its place is deleted, not what it refers to.

    Raises OSError if something cannot be deleted. The rest is deleted all the same.
    """
    path = directory.artifacts(run_id)
    if path.is_symlink() or path.is_file():
        path.unlink(missing_ok=True)
        return
    try:
        # It opens each directory by its descriptor: a process that is still there cannot replace one by a link.
        shutil.rmtree(path)
    except OSError:
        shutil.rmtree(path, ignore_errors=True)
        if os.path.lexists(path):
            raise
