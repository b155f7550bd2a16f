"""The contract of artifact stores: the data directory, and object stores in memory and behind the S3 protocol."""

import os
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import obstore
import pytest
from obstore.exceptions import GenericError

from solorun.artifacts import ArtifactStore, DirectoryArtifacts
from solorun.artifacts.bucket import open_bucket
from solorun.artifacts.object_store import ObjectArtifacts
from solorun.errors import ArtifactNotFound, ArtifactStoreUnavailable
from solorun.settings import DataDirectory
from tests.fakes.s3_server import ENVIRON, S3Server

if TYPE_CHECKING:
    from obstore.store import ObjectStore

RUN = 17
NAMES = (" a", "#1?*.txt", "100%.csv", "a/b/c.json", "a.b", "line\nbreak", "z~[x]", "ä.txt", "用語.md", "%41", "\x7f")


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


# -- only a server


async def test_a_large_object_is_read_in_small_chunks(s3_server: S3Server, tmp_path: Path) -> None:
    objects = open_bucket(s3_server.create_url(), s3_server.environ)
    machine = Machine(tmp_path, lambda directory: ObjectArtifacts(objects, directory))
    await machine.leave({"large": bytes(11_000_000)})

    artifact = await machine.store.open(RUN, "large")
    chunks = [len(chunk) async for chunk in artifact.read(range(artifact.size_bytes))]

    assert sum(chunks) == 11_000_000
    assert max(chunks) < 1_000_000


async def test_an_object_that_is_replaced_is_not_read_on(s3_server: S3Server, tmp_path: Path) -> None:
    objects = open_bucket(s3_server.create_url(), s3_server.environ)
    machine = Machine(tmp_path, lambda directory: ObjectArtifacts(objects, directory))
    await machine.leave({"a": b"before"})
    artifact = await machine.store.open(RUN, "a")
    await machine.leave({"a": b"afterwards"})

    with pytest.raises(ArtifactStoreUnavailable, match="PreconditionFailed"):
        [chunk async for chunk in artifact.read(range(6))]


async def test_an_archive_that_breaks_off_says_why(
    s3_server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects = open_bucket(s3_server.create_url(), s3_server.environ)
    machine = Machine(tmp_path, lambda directory: ObjectArtifacts(objects, directory))
    await machine.leave({"a": b"x", "b": b"x"})

    def fail(*_: object) -> None:
        raise GenericError("error sending request for url (http://127.0.0.1)")

    files = await machine.store.read_all(RUN)
    assert next(files)[0] == "a"
    monkeypatch.setattr(obstore, "get", fail)
    with pytest.raises(ArtifactStoreUnavailable, match=r"cannot be used: the connection failed\.$"):
        next(files)


async def test_a_bucket_that_does_not_exist_is_named_as_the_reason(s3_server: S3Server, tmp_path: Path) -> None:
    store = ObjectArtifacts(open_bucket("s3://no-such-bucket", s3_server.environ), DataDirectory(tmp_path))
    (tmp_path / "artifacts" / "17").mkdir(parents=True)
    (tmp_path / "artifacts" / "17" / "a").write_text("x")
    reason = "NoSuchBucket, The specified bucket does not exist"

    assert [each async for each in store.upload(RUN, ["a"])] == [("a", reason)]
    with pytest.raises(ArtifactStoreUnavailable, match=reason):
        await store.list_page(RUN, after="", limit=1)


async def test_objects_of_others_are_not_listed(s3_server: S3Server, tmp_path: Path) -> None:
    url = s3_server.create_url()
    objects = open_bucket(url, s3_server.environ)
    machine = Machine(tmp_path, lambda directory: ObjectArtifacts(objects, directory))
    await machine.leave({"a": b"x", "b": b"x"})
    for key in ("0000000000000017/", "0000000000000018", "notes", "notes/17/a"):
        s3_server.put(f"{url.removeprefix('s3:/')}/{key}")

    page = await machine.store.list_page(RUN, after="", limit=1)

    assert ([artifact.name for artifact in page.artifacts], page.has_more) == (["a"], True)
    assert await machine.names() == ["a", "b"]
    assert [name for name, _ in await machine.store.read_all(RUN)] == ["a", "b"]
    assert await machine.store.find_last_run_id() == RUN
    await machine.store.remove([RUN, 18])
    assert await machine.names() == []


async def test_a_name_that_is_too_long_for_a_key_is_named_as_the_reason(s3_server: S3Server, tmp_path: Path) -> None:
    objects = open_bucket(s3_server.create_url() + "/" + "p" * 75, s3_server.environ)
    machine = Machine(tmp_path, lambda directory: ObjectArtifacts(objects, directory))
    fits, is_longer = "/".join(["x" * 219] * 4), "/".join(["x" * 219] * 4) + "xx"
    await machine.leave({fits: b"x"})

    assert await machine.names() == [fits]
    assert [each async for each in machine.store.upload(RUN, [is_longer])] == [(is_longer, "the name is too long")]


async def test_an_upload_is_tried_again(tmp_path: Path) -> None:
    paths: list[str] = []

    class Overloaded(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            paths.append(self.path)
            self.send_response(503 if len(paths) < 3 else 200)
            self.send_header("etag", '"1"')
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Overloaded) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        environ = {**ENVIRON, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}"}
        objects = open_bucket("s3://bucket/prefix", environ)
        machine = Machine(tmp_path, lambda directory: ObjectArtifacts(objects, directory))

        await machine.leave({"a": b"x"})

        server.shutdown()
    assert paths == ["/bucket/prefix/0000000000000017/a"] * 3
