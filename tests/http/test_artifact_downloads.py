"""Downloads of artifacts: their headers, parts of them, and names that must not be served."""

import io
import os
import zipfile
from pathlib import Path

import pytest

from solorun.api.artifacts import content_disposition
from solorun.artifacts import scan
from solorun.artifacts.file_chunks import FileChunks
from solorun.artifacts.open_beneath import open_beneath
from solorun.errors import ArtifactNotFound
from tests.fakes.application import OpenServed


@pytest.mark.parametrize(
    ("value", "status", "content", "content_range"),
    [
        ("bytes=0-3", 206, b"0123", "bytes 0-3/10"),
        ("bytes=7-", 206, b"789", "bytes 7-9/10"),
        ("bytes=-2", 206, b"89", "bytes 8-9/10"),
        ("bytes=-20", 206, b"0123456789", "bytes 0-9/10"),
        ("bytes=8-99", 206, b"89", "bytes 8-9/10"),
        ("bytes=10-", 416, b"", "bytes */10"),
        ("bytes=-0", 416, b"", "bytes */10"),
        ("bytes=3-1", 200, b"0123456789", None),
        ("bytes=0-1,4-5", 200, b"0123456789", None),
        ("bytes=-", 200, b"0123456789", None),
        ("lines=1-2", 200, b"0123456789", None),
    ],
)
async def test_a_download_continues_where_it_broke_off(
    open_served: OpenServed, value: str, status: int, content: bytes, content_range: str | None
) -> None:
    async with open_served() as served:
        run_id, step = await served.begin()
        (step.context.artifacts / "a.bin").write_text("0123456789")

        response = await served.client.get(f"/api/v1/runs/{run_id}/artifacts/a.bin", headers={"range": value})

    assert (response.status_code, response.content) == (status, content)
    assert response.headers.get("content-range") == content_range
    assert response.headers["content-length"] == str(len(content))


async def test_an_artifact_is_sent_again_only_if_it_has_changed(open_served: OpenServed) -> None:
    async with open_served() as served:
        run_id, step = await served.begin()
        file = step.context.artifacts / "a.txt"
        file.write_text("first")
        address = f"/api/v1/runs/{run_id}/artifacts/a.txt"

        first = await served.client.get(address)
        tag = first.headers["etag"]
        same = await served.client.get(address, headers={"if-none-match": f'"other", W/{tag}'})
        rest = await served.client.get(address, headers={"range": "bytes=2-", "if-range": tag})
        file.write_text("second!")
        changed = await served.client.get(address, headers={"if-none-match": tag})
        whole = await served.client.get(address, headers={"range": "bytes=2-", "if-range": tag})

    assert first.headers["accept-ranges"] == "bytes"
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
    assert (rest.status_code, rest.content) == (206, b"rst")
    assert (changed.status_code, changed.content) == (200, b"second!")
    assert (whole.status_code, whole.content) == (200, b"second!")


@pytest.mark.parametrize(
    "name", ["a.yaml", "a.yml", "a.toml", "a.md", "a.log", "a.ini", "a.py", "a.rs", "a.go", "a.ts", "a.sql", "a.sh"]
)
def test_text_has_a_text_type(name: str) -> None:
    assert scan.media_type_of(name).startswith("text/")


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("dump.tar.gz", "application/gzip"),
        ("dump.sql.gz", "application/gzip"),
        ("dump.tgz", "application/gzip"),
        ("page.html.br", "application/octet-stream"),
        ("dump.tar", "application/x-tar"),
        ("run.LOG", "text/plain"),
    ],
)
def test_a_compressed_file_has_the_type_of_its_compression(name: str, media_type: str) -> None:
    assert scan.media_type_of(name) == media_type


async def test_all_artifacts_are_downloaded_as_a_zip(open_served: OpenServed, tmp_path: Path) -> None:
    async with open_served() as served:
        run_id, step = await served.begin()
        (step.context.artifacts / "terms").mkdir()
        (step.context.artifacts / "terms" / "用語.json").write_text("{}")
        (step.context.artifacts / "big.bin").write_bytes(os.urandom(2**20))
        (step.context.artifacts / "link").symlink_to(tmp_path)
        big = (step.context.artifacts / "big.bin").read_bytes()
        before = len(os.listdir("/proc/self/fd"))

        response = await served.client.get(f"/api/v1/runs/{run_id}/artifacts.zip")
        head = await served.client.head(f"/api/v1/runs/{run_id}/artifacts.zip")
        missing = await served.client.get("/api/v1/runs/99/artifacts.zip")
        after = len(os.listdir("/proc/self/fd"))

    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    assert files == {"terms/用語.json": b"{}", "big.bin": big}
    assert response.headers["content-type"] == "application/zip"
    assert response.headers["content-disposition"].startswith(f'attachment; filename="run-{run_id}.zip"')
    assert (head.status_code, head.content) == (200, b"")
    assert missing.status_code == 404
    assert after == before


async def test_a_head_of_an_artifact_returns_its_size_and_closes_the_file(open_served: OpenServed) -> None:
    async with open_served() as served:
        run_id, step = await served.begin()
        (step.context.artifacts / "a.txt").write_text("hello")
        before = len(os.listdir("/proc/self/fd"))

        responses = [await served.client.head(f"/api/v1/runs/{run_id}/artifacts/a.txt") for _ in range(5)]
        after = len(os.listdir("/proc/self/fd"))

    assert {(response.headers["content-length"], response.content) for response in responses} == {("5", b"")}
    assert after == before


@pytest.mark.parametrize(
    "name",
    [
        "nothing.txt",
        "folder",
        "folder/",
        "/etc/passwd",
        "../../solorun.db",
        "folder/../../../solorun.db",
        "%2e%2e%2f%2e%2e%2fsolorun.db",
        "..%2f..%2fsolorun.db",
        "%2e/a.txt",
        "folder//a.txt",
        "link.txt",
        "linked/solorun.db",
        "pipe",
        "a.txt%00",
        "a.txt/",
        "a.txt/b",
        "x" * 300,
        "x/" * 2000,
    ],
)
async def test_no_name_reaches_outside_the_run_directory(open_served: OpenServed, tmp_path: Path, name: str) -> None:
    async with open_served() as served:
        run_id, step = await served.begin()
        artifacts = step.context.artifacts
        (artifacts / "a.txt").write_text("inside")
        (artifacts / "folder").mkdir()
        (artifacts / "link.txt").symlink_to(tmp_path / "solorun.toml")
        (artifacts / "linked").symlink_to(tmp_path / "data")
        os.mkfifo(artifacts / "pipe")

        url = f"http://127.0.0.1:8700/api/v1/runs/{run_id}/artifacts/{name}"
        response = await served.client.get(url)

    assert (response.status_code, response.json()["type"][:10]) == (404, "/problems/")


@pytest.mark.parametrize("name", ["..", ".", "", "a/../b", "/a", "a\0b", "\udcff"])
def test_unsafe_names_are_not_opened(tmp_path: Path, name: str) -> None:
    with pytest.raises(ArtifactNotFound):
        open_beneath(tmp_path, name)


def test_a_directory_replaced_by_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("outside")
    (tmp_path / "artifacts").symlink_to(tmp_path)

    with pytest.raises(ArtifactNotFound):
        open_beneath(tmp_path / "artifacts", "a.txt")


def test_the_error_names_the_missing_artifact(tmp_path: Path) -> None:
    with pytest.raises(ArtifactNotFound, match="no artifact 'report"):
        open_beneath(tmp_path, "report.csv")


async def test_a_truncated_file_fails_the_download(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("short")
    chunks = FileChunks(open_beneath(tmp_path, "a.txt"), 10)

    first = await anext(chunks)
    with pytest.raises(OSError, match="truncated"):
        await anext(chunks)
    await chunks.aclose()

    assert first == b"short"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.txt", "attachment; filename=\"a.txt\"; filename*=UTF-8''a.txt"),
        ('a"b\\c.txt', "attachment; filename=\"a_b_c.txt\"; filename*=UTF-8''a%22b%5Cc.txt"),
        ("a\r\nb", "attachment; filename=\"a__b\"; filename*=UTF-8''a%0D%0Ab"),
        ("é", "attachment; filename=\"_\"; filename*=UTF-8''%C3%A9"),
    ],
)
def test_a_download_name_cannot_break_the_header(name: str, expected: str) -> None:
    assert content_disposition(name) == (b"content-disposition", expected.encode())
