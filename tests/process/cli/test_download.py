"""`solorun download`: where the file is saved, and which files are not overwritten."""

import asyncio
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from solorun.client import RunClient
from tests.fakes.command_line import RUNNING, Solorun, answer, problem
from tests.fakes.scripted_service import events, json_response, scripted_service

CONTENT = json_response(b"the glossary", 200, "text/markdown")


@pytest.mark.parametrize(
    ("arguments", "saved_as"), [((), "a b.md"), (("-o", "mine.md"), "mine.md"), (("-o", "old.md"), "old.md")]
)
async def test_an_artifact_is_saved_under_its_own_name_or_another(
    solorun: Solorun, tmp_path: Path, arguments: tuple[str, ...], saved_as: str
) -> None:
    (tmp_path / "old.md").write_text("old")

    ended = await solorun("download", "17", "out/a b.md", *arguments, answers=(answer(RUNNING), CONTENT))

    assert (ended.code, ended.out) == (0, f"Saved {saved_as}.\n")
    assert (tmp_path / saved_as).read_bytes() == b"the glossary"
    assert ended.requests[1].target == "/api/v1/runs/17/artifacts/out/a%20b.md"


@pytest.mark.parametrize(
    ("arguments", "saved_as"),
    [((), "run-17.zip"), (("-o", "all.zip"), "all.zip"), (("-o", "."), "run-17.zip")],
)
async def test_all_artifacts_are_saved_as_a_zip(
    solorun: Solorun, tmp_path: Path, arguments: tuple[str, ...], saved_as: str
) -> None:
    zipped = json_response(b"a zip", 200, "application/zip")

    ended = await solorun("download", "17", *arguments, answers=(answer(RUNNING), zipped))

    assert (ended.code, ended.out) == (0, f"Saved {saved_as}.\n")
    assert (tmp_path / saved_as).read_bytes() == b"a zip"
    assert ended.requests[1].target == "/api/v1/runs/17/artifacts.zip"


async def test_an_existing_file_is_not_overwritten_by_default(solorun: Solorun, tmp_path: Path) -> None:
    (tmp_path / "old.md").write_text("old")

    ended = await solorun("download", "17", "out/old.md", answers=(answer(RUNNING),))

    assert (ended.code, len(ended.requests)) == (2, 1)
    assert "old.md already exists. Use -o old.md to overwrite it." in ended.err
    assert (tmp_path / "old.md").read_text() == "old"


@pytest.mark.parametrize("name", ["..", "a/..", "."])
async def test_a_name_without_a_file_name_is_not_found(solorun: Solorun, name: str) -> None:
    ended = await solorun("download", "17", name, answers=(answer(RUNNING),))

    assert (ended.code, len(ended.requests)) == (6, 1)


async def test_a_missing_artifact_leaves_no_file(solorun: Solorun, tmp_path: Path) -> None:
    ended = await solorun("download", "17", "x.md", answers=(answer(RUNNING), problem("artifact-not-found", 404)))

    assert ended.code == 6
    assert list(tmp_path.iterdir()) == []


# -- targets that are not plain files


async def test_a_fifo_is_written_into(solorun: Solorun, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")

    reading = asyncio.create_task(asyncio.to_thread((tmp_path / "fifo").read_bytes))
    ended = await solorun("download", "17", "a.md", "-o", "fifo", answers=(answer(RUNNING), CONTENT))

    assert ended.code == 0
    assert await asyncio.wait_for(reading, 60) == b"the glossary"
    assert stat.S_ISFIFO((tmp_path / "fifo").stat().st_mode)


async def test_a_device_is_written_into(solorun: Solorun) -> None:
    before = os.stat("/dev/null")

    ended = await solorun("download", "17", "a.md", "-o", "/dev/null", answers=(answer(RUNNING), CONTENT))

    after = os.stat("/dev/null")
    assert ended.code == 0
    assert stat.S_ISCHR(after.st_mode)
    assert (after.st_ino, after.st_mode) == (before.st_ino, before.st_mode)


@pytest.mark.parametrize("target_exists", [True, False])
async def test_a_link_stays_and_its_file_is_written(solorun: Solorun, tmp_path: Path, target_exists: bool) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to("elsewhere/file")
    if target_exists:
        (tmp_path / "elsewhere" / "file").write_text("old")

    ended = await solorun("download", "17", "a.md", "-o", "link", answers=(answer(RUNNING), CONTENT))

    assert ended.code == 0
    assert os.readlink(tmp_path / "link") == "elsewhere/file"
    assert (tmp_path / "elsewhere" / "file").read_bytes() == b"the glossary"


async def test_all_names_of_a_file_see_the_download(solorun: Solorun, tmp_path: Path) -> None:
    (tmp_path / "one").write_text("old")
    os.link(tmp_path / "one", tmp_path / "two")

    await solorun("download", "17", "a.md", "-o", "one", answers=(answer(RUNNING), CONTENT))

    assert (tmp_path / "two").read_bytes() == b"the glossary"


async def test_a_file_keeps_its_permissions_and_a_new_one_follows_the_umask(
    solorun: Solorun, tmp_path: Path, umask: int
) -> None:
    (tmp_path / "old").write_text("old")
    (tmp_path / "old").chmod(0o600)

    await solorun("download", "17", "a.md", "-o", "old", answers=(answer(RUNNING), CONTENT))
    await solorun("download", "17", "a.md", "-o", "new", answers=(answer(RUNNING), CONTENT))

    assert stat.S_IMODE((tmp_path / "old").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o666 & ~umask


@pytest.fixture
def umask() -> Iterator[int]:
    before = os.umask(0o027)
    yield 0o027
    os.umask(before)


# -- other targets


async def test_a_part_file_of_the_user_is_left_alone(solorun: Solorun, tmp_path: Path) -> None:
    (tmp_path / "a.md.part").write_text("mine")

    ended = await solorun("download", "17", "a.md", answers=(answer(RUNNING), CONTENT))

    assert ended.code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.md", "a.md.part"]
    assert (tmp_path / "a.md.part").read_text() == "mine"


async def test_a_download_to_stdout_is_only_the_artifact(solorun: Solorun, tmp_path: Path) -> None:
    ended = await solorun("download", "17", "a.md", "-o", "-", answers=(answer(RUNNING), CONTENT))

    assert (ended.code, ended.out, ended.err) == (0, "the glossary", "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("directory", ["files", "files/"])
async def test_a_directory_gets_the_artifact_under_its_own_name(
    solorun: Solorun, tmp_path: Path, directory: str
) -> None:
    (tmp_path / "files").mkdir()

    saved = await solorun("download", "17", "out/a.md", "-o", directory, answers=(answer(RUNNING), CONTENT))
    again = await solorun("download", "17", "out/a.md", "-o", directory, answers=(answer(RUNNING),))

    assert (saved.code, saved.out) == (0, "Saved files/a.md.\n")
    assert (tmp_path / "files" / "a.md").read_bytes() == b"the glossary"
    assert again.code == 2
    assert "files/a.md already exists" in again.err


async def test_a_missing_directory_is_an_error(solorun: Solorun, tmp_path: Path) -> None:
    ended = await solorun("download", "17", "a.md", "-o", "nowhere/", answers=(answer(RUNNING),))

    assert (ended.code, len(ended.requests)) == (2, 1)
    assert "There is no directory nowhere." in ended.err


@pytest.mark.parametrize("target", ["nowhere/mine.md", "x" * 256])
async def test_an_error_names_the_file_that_was_requested(solorun: Solorun, target: str) -> None:
    ended = await solorun("download", "17", "a.md", "-o", target, answers=(answer(RUNNING), CONTENT))

    assert (ended.code, ended.out) == (2, "")
    assert ended.err.endswith(f": {target}\n")


async def test_a_link_that_leads_nowhere_is_not_followed_by_default(solorun: Solorun, tmp_path: Path) -> None:
    (tmp_path / "a.md").symlink_to("elsewhere")

    ended = await solorun("download", "17", "a.md", answers=(answer(RUNNING),))

    assert ended.code == 2
    assert not (tmp_path / "elsewhere").exists()


async def test_a_missing_artifact_leaves_the_old_file_and_opens_no_device(solorun: Solorun, tmp_path: Path) -> None:
    (tmp_path / "old").write_text("old")
    os.mkfifo(tmp_path / "fifo")
    missing = problem("artifact-not-found", 404)

    file = await solorun("download", "17", "x.md", "-o", "old", answers=(answer(RUNNING), missing))
    # Without a reader, opening it would block.
    fifo = await asyncio.wait_for(
        solorun("download", "17", "x.md", "-o", "fifo", answers=(answer(RUNNING), missing)), 60
    )

    assert (file.code, fifo.code) == (6, 6)
    assert (tmp_path / "old").read_text() == "old"


async def test_two_downloads_to_one_file_do_not_meet(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    async with (
        scripted_service([events(b"first ", hang=True), events(b"second")]) as service,
        RunClient(service.url) as client,
    ):
        first = asyncio.create_task(client.download_artifact(17, "a.md", path))
        await asyncio.wait_for(service.asked.wait(), 60)
        await _until_a_part_exists(tmp_path)
        await client.download_artifact(17, "a.md", path)
        first.cancel()
        await asyncio.wait({first})

    assert path.read_bytes() == b"second"
    assert list(tmp_path.iterdir()) == [path]


async def _until_a_part_exists(directory: Path) -> None:
    async with asyncio.timeout(60):
        while not list(directory.iterdir()):
            await asyncio.sleep(0.01)


async def test_an_unwritable_file_is_not_replaced(solorun: Solorun, tmp_path: Path) -> None:
    (tmp_path / "old").write_text("old")

    with pytest.MonkeyPatch.context() as patch:
        # The tests may run as root, who may write everything.
        patch.setattr("os.access", lambda path, mode: False)
        ended = await solorun("download", "17", "a.md", "-o", "old", answers=(answer(RUNNING), CONTENT))

    assert (ended.code, ended.err) == (2, "Permission denied: old\n")
    assert (tmp_path / "old").read_text() == "old"


async def test_the_name_of_a_saved_file_cannot_control_the_terminal(solorun: Solorun) -> None:
    ended = await solorun("download", "17", "a\x1b[2Jb", answers=(answer(RUNNING), CONTENT))

    assert ended.out == "Saved ab.\n"
