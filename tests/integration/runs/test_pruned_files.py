"""The files of deleted runs: whose they are, and what is not deleted with them."""

import shutil
from pathlib import Path

import pytest

from solorun.settings import DataDirectory
from tests.fakes.stores import FaultyStore
from tests.integration.runs.test_pruning import NEWEST, artifact_ids, ended, pruner_of


async def test_each_service_deletes_the_files_in_its_own_data_directory(store: FaultyStore, tmp_path: Path) -> None:
    old, _ = [await ended(store, tmp_path, artifact_bytes=1) for _ in range(2)]
    own = tmp_path / "other service"
    shutil.copytree(tmp_path / "artifacts", own / "artifacts")
    other = pruner_of(store, own, NEWEST)
    await other.prune()
    assert str(old.id) not in artifact_ids(own)
    assert str(old.id) in artifact_ids(tmp_path)

    await pruner_of(store, tmp_path, NEWEST).prune()

    assert str(old.id) not in artifact_ids(tmp_path)


async def test_files_of_a_run_that_the_database_never_had_are_kept(store: FaultyStore, tmp_path: Path) -> None:
    """As after the restore of an older backup."""
    for _ in range(2):
        await ended(store, tmp_path)
    unknown = DataDirectory(tmp_path).artifacts(4711) / "file"
    unknown.parent.mkdir(parents=True)
    unknown.touch()

    await pruner_of(store, tmp_path, NEWEST).prune()

    assert unknown.exists()


async def test_a_link_in_place_of_a_directory_is_deleted_alone(store: FaultyStore, tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.mkdir()
    (target / "file").touch()
    old, _ = [await ended(store, tmp_path, artifact_bytes=1) for _ in range(2)]
    directory = DataDirectory(tmp_path).artifacts(old.id)
    (directory / "link").symlink_to(target)
    third = await ended(store, tmp_path)
    DataDirectory(tmp_path).artifacts(third.id).symlink_to(target)
    await ended(store, tmp_path)

    await pruner_of(store, tmp_path, NEWEST).prune()

    assert (target / "file").exists()
    assert not directory.exists()
    assert not DataDirectory(tmp_path).artifacts(third.id).is_symlink()


async def test_files_that_cannot_be_deleted_are_logged_and_the_rest_is_deleted(
    store: FaultyStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stuck, gone, _ = [await ended(store, tmp_path, artifact_bytes=1) for _ in range(3)]
    remove = shutil.rmtree

    def refuse(path: Path, ignore_errors: bool = False) -> None:
        if path != DataDirectory(tmp_path).artifacts(stuck.id):
            remove(path, ignore_errors)
        elif not ignore_errors:
            raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("shutil.rmtree", refuse)

    await pruner_of(store, tmp_path, NEWEST).prune()

    assert str(gone.id) not in artifact_ids(tmp_path)
    assert f"The artifacts of run {stuck.id}, which was deleted, cannot be deleted: [Errno 13]" in caplog.text
