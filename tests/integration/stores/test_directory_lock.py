"""A data directory has one owner, whatever its path is and whichever files are deleted. Only its user can read it."""

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from solorun.errors import DatabaseUnusable, DataDirectoryUnusable
from solorun.settings import DataDirectory
from solorun.stores.directory_lock import own_data_directory
from solorun.stores.sqlite import SqliteRunStore

SECOND_OWNER = """
import sys
from pathlib import Path
from solorun.errors import DataDirectoryUnusable
from solorun.settings import DataDirectory
from solorun.stores.directory_lock import own_data_directory
try:
    with own_data_directory(DataDirectory(Path(sys.argv[1])), owner="second"):
        print("owned")
except DataDirectoryUnusable as error:
    print(error)
"""

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can create files of another user")


@pytest.fixture(params=[0o000, 0o022, 0o077])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def own_in_another_process(directory: Path) -> str:
    return subprocess.run(
        [sys.executable, "-c", SECOND_OWNER, str(directory)], capture_output=True, text=True, check=True, timeout=60
    ).stdout


def test_deleting_its_files_lets_no_second_owner_in(tmp_path: Path) -> None:
    with own_data_directory(DataDirectory(tmp_path), owner="first"):
        for file in tmp_path.iterdir():
            file.unlink()

        refusal = own_in_another_process(tmp_path)

    assert "is in use by a running service" in refusal


def test_another_path_of_the_same_directory_lets_no_second_owner_in(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "data")

    with own_data_directory(DataDirectory(tmp_path / "data"), owner="first"):
        refusal = own_in_another_process(tmp_path / "link")

    assert f"is in use by a running service (pid {os.getpid()}" in refusal


def test_the_directory_is_free_after_its_owner(tmp_path: Path) -> None:
    with own_data_directory(DataDirectory(tmp_path), owner="first"):
        pass

    assert own_in_another_process(tmp_path) == "owned\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode", [0o755, 0o777, 0o710, 0o2770, 0o704])
def test_a_directory_that_others_can_enter_or_read_is_refused(tmp_path: Path, mode: int) -> None:
    tmp_path.chmod(mode)

    with (
        pytest.raises(DataDirectoryUnusable, match=rf"Run `chmod 700 '?{tmp_path}'?`"),
        own_data_directory(DataDirectory(tmp_path), owner="first"),
    ):
        pass


async def test_only_its_user_can_read_what_is_created(tmp_path: Path, umask: int) -> None:
    directory = DataDirectory(tmp_path / "new" / "data")

    with own_data_directory(directory, owner="first"):
        store = await SqliteRunStore.open(directory.path)
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (directory.path, *directory.path.iterdir())}
        await store.close()

    assert modes.pop("data") == 0o700
    assert set(modes) == {"solorun.owner.json", "solorun.db", "solorun.db-wal", "solorun.db-shm"}
    assert set(modes.values()) == {0o600}


async def test_a_database_that_others_can_read_is_closed_to_them(tmp_path: Path) -> None:
    await (await SqliteRunStore.open(tmp_path)).close()
    (tmp_path / "solorun.db").chmod(0o644)

    await (await SqliteRunStore.open(tmp_path)).close()

    assert stat.S_IMODE((tmp_path / "solorun.db").stat().st_mode) == 0o600


def test_a_planted_owner_file_is_replaced_and_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    directory = DataDirectory(tmp_path / "data")
    directory.path.mkdir(mode=0o700)
    directory.owner_file.symlink_to(victim)

    with own_data_directory(directory, owner="first"):
        assert not directory.owner_file.is_symlink()

    assert victim.read_text() == "precious"


async def test_a_planted_database_is_not_followed(tmp_path: Path) -> None:
    await (await SqliteRunStore.open(tmp_path / "elsewhere")).close()
    (tmp_path / "data").mkdir(mode=0o700)
    (tmp_path / "data" / "solorun.db").symlink_to(tmp_path / "elsewhere" / "solorun.db")

    with pytest.raises(DatabaseUnusable, match="symbolic link"):
        await SqliteRunStore.open(tmp_path / "data")


@as_root
@pytest.mark.parametrize("name", ["artifacts", "workspaces"])
def test_a_link_that_another_user_planted_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).symlink_to(tmp_path.parent)
    os.lchown(tmp_path / name, 12345, 12345)

    with (
        pytest.raises(DataDirectoryUnusable, match=f"{name} is a symbolic link of another user"),
        own_data_directory(DataDirectory(tmp_path), owner="first"),
    ):
        pass


def test_your_own_link_to_a_larger_disk_is_followed(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o700)
    (tmp_path / "data" / "artifacts").symlink_to(tmp_path)

    with own_data_directory(DataDirectory(tmp_path / "data"), owner="first"):
        pass


def identify(path: Path) -> str | None:
    with own_data_directory(DataDirectory(path), owner="first") as identity:
        return identity


def test_a_directory_keeps_its_identity_under_another_path_and_a_copy_has_another(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "data")
    first = identify(tmp_path / "data")
    shutil.copytree(tmp_path / "data", tmp_path / "copy")

    assert first is not None
    assert identify(tmp_path / "link") == first
    assert identify(tmp_path / "copy") != first
    (tmp_path / "data").rename(tmp_path / "renamed")
    assert identify(tmp_path / "renamed") == first


def test_a_directory_has_another_identity_after_a_boot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "boot_id").write_text("another\n")
    (tmp_path / "data").mkdir(mode=0o700)
    first = identify(tmp_path / "data")

    monkeypatch.setattr("solorun.stores.directory_lock._BOOT_ID", tmp_path / "boot_id")

    assert identify(tmp_path / "data") != first


def test_without_the_id_of_the_boot_the_identity_is_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("solorun.stores.directory_lock._BOOT_ID", tmp_path / "missing")

    assert identify(tmp_path / "data") is None
