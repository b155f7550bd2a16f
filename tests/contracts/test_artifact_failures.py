"""Large objects, and what fails in a bucket."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import obstore
import pytest
from obstore.exceptions import GenericError

from solorun.artifacts.bucket import open_bucket
from solorun.artifacts.object_store import ObjectArtifacts
from solorun.errors import ArtifactStoreUnavailable
from solorun.settings import DataDirectory
from tests.contracts.artifact_machines import RUN, Machine
from tests.fakes.s3_server import ENVIRON, S3Server


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
