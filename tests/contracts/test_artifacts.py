"""The contract of artifact stores: the data directory, and object stores in memory and behind the S3 protocol."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from solorun.artifacts import DirectoryArtifacts
from solorun.artifacts.bucket import open_bucket
from solorun.artifacts.object_store import ObjectArtifacts
from solorun.errors import ArtifactNotFound
from tests.contracts.artifact_machines import RUN, Machine

if TYPE_CHECKING:
    from obstore.store import ObjectStore

NAMES = (" a", "#1?*.txt", "100%.csv", "a/b/c.json", "a.b", "line\nbreak", "z~[x]", "ä.txt", "用語.md", "%41", "\x7f")


@pytest.fixture(params=["directory", "memory", "s3"])
def machines(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Machine, Machine]]:
    """The machine that executes runs, and one that answers requests. With a data directory, they are the same."""
    objects: ObjectStore
    if request.param == "directory":
        machine = Machine(tmp_path, DirectoryArtifacts)
        yield machine, machine
        return
    if request.param == "memory":
        from obstore.store import MemoryStore

        objects = MemoryStore()
    else:
        server = request.getfixturevalue("s3_server")
        objects = open_bucket(server.create_url(), server.environ)
    yield (
        Machine(tmp_path / "one", lambda directory: ObjectArtifacts(objects, directory)),
        Machine(tmp_path / "two", lambda directory: ObjectArtifacts(objects, directory)),
    )


@pytest.fixture
def worker(machines: tuple[Machine, Machine]) -> Machine:
    return machines[0]


@pytest.fixture
def reader(machines: tuple[Machine, Machine]) -> Machine:
    return machines[1]


async def test_artifacts_are_listed_and_read_whatever_their_names(worker: Machine, reader: Machine) -> None:
    await worker.leave({name: name.encode() for name in NAMES})

    page = await reader.store.list_page(RUN, after="", limit=1000)

    assert sorted(artifact.name for artifact in page.artifacts) == sorted(NAMES)
    assert {artifact.name: await reader.read(artifact.name) for artifact in page.artifacts} == {
        name: name.encode() for name in NAMES
    }
    sizes = {artifact.name: (artifact.size_bytes, artifact.media_type) for artifact in page.artifacts}
    assert sizes["a/b/c.json"] == (10, "application/json")
    assert not page.truncated


async def test_artifacts_of_another_run_are_not_listed(worker: Machine, reader: Machine) -> None:
    await worker.leave({"mine": b""}, run_id=1)
    await worker.leave({"other": b""}, run_id=10)

    assert await reader.names(1) == ["mine"]
    assert await reader.names(2) == []


async def test_pages_continue_after_a_name(worker: Machine, reader: Machine) -> None:
    names = sorted(f"{letter}/{number}" for letter in "abc" for number in range(3))
    await worker.leave(dict.fromkeys(names, b"x"))

    found, after = [], ""
    while True:
        page = await reader.store.list_page(RUN, after=after, limit=4)
        found.append([artifact.name for artifact in page.artifacts])
        if not page.has_more:
            break
        after = found[-1][-1]

    assert found == [names[:4], names[4:8], names[8:]]


@pytest.mark.parametrize(
    "part", [range(10), range(4), range(7, 10), range(9, 10), range(3, 3)], ids=lambda part: f"{part.start}-{part.stop}"
)
async def test_a_part_of_an_artifact_is_read(worker: Machine, reader: Machine, part: range) -> None:
    await worker.leave({"digits": b"0123456789"})

    assert await reader.read("digits", part) == b"0123456789"[part.start : part.stop]


async def test_an_artifact_may_be_empty(worker: Machine, reader: Machine) -> None:
    await worker.leave({"empty": b""})

    assert (await reader.names(), await reader.read("empty")) == (["empty"], b"")


async def test_a_large_artifact_is_read(worker: Machine, reader: Machine) -> None:
    content = os.urandom(11_000_000)
    await worker.leave({"large": content})

    assert await reader.read("large") == content


NOT_ARTIFACTS = (
    "",
    ".",
    "..",
    "/",
    "a//b",
    "../a",
    "a/../b",
    "a/",
    "/a",
    "a\0b",
    "\udcff",
    "folder",
    "x/" * 1000 + "x",
)


@pytest.mark.parametrize("name", NOT_ARTIFACTS, ids=lambda name: ascii(name)[:20])
async def test_what_is_not_an_artifact_is_not_found(worker: Machine, reader: Machine, name: str) -> None:
    await worker.leave({"folder/a": b"x"})

    with pytest.raises(ArtifactNotFound):
        await reader.store.open(RUN, name)


async def test_the_tag_changes_with_the_content(worker: Machine, reader: Machine) -> None:
    tags = []
    for content in (b"one", b"one", b"other"):
        await worker.leave({"a": content})
        artifact = await reader.store.open(RUN, "a")
        again = await reader.store.open(RUN, "a")
        assert artifact.tag == again.tag
        tags.append(artifact.tag)
        artifact.close()
        again.close()

    assert tags[2] not in tags[:2]
    assert all(tag.startswith(b'"') and tag.endswith(b'"') for tag in tags)


async def test_all_artifacts_are_read_one_after_another(worker: Machine, reader: Machine) -> None:
    files = {name: os.urandom(1000) for name in NAMES}
    await worker.leave(files)

    found = {name: b"".join(content) for name, content in await reader.store.read_all(RUN)}

    assert found == files


async def test_sizes_are_those_of_the_requested_runs(worker: Machine, reader: Machine) -> None:
    for run_id in (1, 2, 3, 400, 5000):
        await worker.leave({"a": bytes(run_id), "b/c": b"x"}, run_id=run_id)

    sizes = await reader.store.measure([5000, 1, 3, 999])

    assert {run_id: sizes.get(run_id, 0) for run_id in (1, 2, 3, 999, 5000)} == {1: 2, 2: 0, 3: 4, 999: 0, 5000: 5001}
    assert await reader.store.measure([]) == {}


async def test_removed_runs_have_no_artifacts(worker: Machine, reader: Machine) -> None:
    for run_id in (1, 2, 3, 4, 500):
        await worker.leave({"a": b"x", "b/c": b"x"}, run_id=run_id)

    await worker.store.remove([1, 3, 500, 7])

    assert [len(await reader.names(run_id)) for run_id in (1, 2, 3, 4, 500)] == [0, 2, 0, 2, 0]
    assert not worker.directory.artifacts(1).exists()
    assert worker.directory.artifacts(2).exists()


@pytest.mark.parametrize("run_ids", [(), (1,), (3, 1), (9, 10, 11), (1, 7, 1_000_000)], ids=str)
async def test_the_last_run_with_artifacts_is_found(worker: Machine, reader: Machine, run_ids: tuple[int, ...]) -> None:
    for run_id in run_ids:
        await worker.leave({"a": b"x"}, run_id=run_id)

    assert await reader.store.find_last_run_id() == max(run_ids, default=0)


async def test_artifacts_of_an_earlier_run_are_brought_to_the_machine(worker: Machine, reader: Machine) -> None:
    files = {name: name.encode() for name in NAMES}
    await worker.leave(files)

    is_elsewhere = worker is not reader
    assert [await reader.store.fetch(RUN), await reader.store.fetch(RUN)] == [is_elsewhere, False]

    directory = reader.directory.artifacts(RUN)
    assert {name: (directory / name).read_bytes() for name in NAMES} == files
    assert [entry.name for entry in directory.parent.iterdir()] == [str(RUN)]


async def test_a_file_that_became_a_directory_does_not_prevent_a_download(worker: Machine, reader: Machine) -> None:
    await worker.leave({"a": b"x", "z": b"z"})
    (worker.directory.artifacts(RUN) / "a").unlink()
    await worker.leave({"a/b": b"y"})

    await reader.store.fetch(RUN)

    assert (reader.directory.artifacts(RUN) / "a").exists()
    assert (reader.directory.artifacts(RUN) / "z").read_bytes() == b"z"


async def test_a_released_run_keeps_its_artifacts(worker: Machine, reader: Machine) -> None:
    await worker.leave({"a/b": b"x"})

    await worker.store.release(RUN)

    assert (await reader.names(), await reader.read("a/b")) == (["a/b"], b"x")
