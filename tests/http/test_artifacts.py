"""A run's artifacts can be downloaded, and nothing else."""

import asyncio
import io
import os
import threading
import zipfile
from pathlib import Path
from typing import Any

import pytest

from solorun.api.artifacts import FileChunks, content_disposition
from solorun.api.open_beneath import open_beneath
from solorun.errors import ArtifactNotFound
from solorun.execution import artifacts
from tests.fakes.application import OpenServed


async def test_artifacts_are_listed_and_downloaded(open_served: OpenServed) -> None:
    async with open_served() as served:
        run_id, step = await served.begin()
        (step.context.artifacts / "terms").mkdir()
        (step.context.artifacts / "terms" / "用語 100%.json").write_text("{}")
        (step.context.artifacts / "page.html").write_text("<script>alert(1)</script>")
        step.end()
        await served.end_of(run_id)

        listed = (await served.client.get(f"/api/v1/runs/{run_id}/artifacts")).json()["artifacts"]
        page = await served.client.get(f"/api/v1/runs/{run_id}/artifacts/page.html")
        terms = await served.client.get(f"/api/v1/runs/{run_id}/artifacts/terms/用語 100%25.json")

    assert [(item["name"], item["size_bytes"], item["media_type"]) for item in listed] == [
        ("page.html", 25, "text/html"),
        ("terms/用語 100%.json", 2, "application/json"),
    ]
    assert (terms.status_code, terms.content) == (200, b"{}")
    assert terms.headers["content-disposition"].endswith("UTF-8''%E7%94%A8%E8%AA%9E%20100%25.json")
    assert page.content == b"<script>alert(1)</script>"
    assert page.headers["content-length"] == "25"
    assert page.headers["content-disposition"].startswith("attachment;")
    assert page.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in page.headers["content-security-policy"]


@pytest.mark.parametrize("name", ["j.js", "module.mjs", "J.JS", "style.css"])
async def test_no_artifact_can_be_a_script_or_a_style_of_the_dashboard(open_served: OpenServed, name: str) -> None:
    async with open_served() as served:
        run_id, step = await served.begin()
        (step.context.artifacts / name).write_text("alert(1)")
        step.end()
        await served.end_of(run_id)

        script = await served.client.get(f"/api/v1/runs/{run_id}/artifacts/{name}")

    assert (script.text, script.headers["content-type"]) == ("alert(1)", "application/octet-stream")
    assert script.headers["x-content-type-options"] == "nosniff"


async def test_a_run_without_artifacts_has_an_empty_list(open_served: OpenServed) -> None:
    async with open_served() as served:
        run = await served.complete()

        response = await served.client.get(f"/api/v1/runs/{run.id}/artifacts")

    assert response.json() == {"artifacts": [], "next_cursor": None, "truncated": False}


async def test_artifacts_are_listed_in_pages(open_served: OpenServed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifacts, "MAX_ARTIFACTS", 5)
    async with open_served() as served:
        run_id, step = await served.begin()
        (step.context.artifacts / "d").mkdir()
        for name in ("ä", "d/f", "d/e", "c", "b", "a"):
            (step.context.artifacts / name).write_text("")
        step.end()
        await served.end_of(run_id)

        pages: list[Any] = []
        query: dict[str, str] = {"limit": "2"}
        while not pages or query["cursor"]:
            response = await served.client.get(f"/api/v1/runs/{run_id}/artifacts", params=query)
            pages.append(response.json())
            query["cursor"] = pages[-1]["next_cursor"]
        broken = await served.client.get(f"/api/v1/runs/{run_id}/artifacts", params={"cursor": "?"})

    assert [[each["name"] for each in page["artifacts"]] for page in pages] == [["a", "b"], ["c", "d/e"], ["d/f"]]
    assert [page["truncated"] for page in pages] == [True, True, True]
    assert broken.json()["type"].endswith("invalid-cursor")


async def test_listing_artifacts_takes_no_thread_from_steps(
    open_served: OpenServed, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()
    scanned: list[Path] = []

    def scan(directory: Path) -> artifacts.ArtifactScan:
        scanned.append(directory)
        release.wait(60)
        return artifacts.ArtifactScan(())

    async with open_served() as served:
        runs = [await served.complete() for _ in range(4)]
        monkeypatch.setattr(artifacts, "scan_artifacts", scan)
        addresses = [f"/api/v1/runs/{run.id}/artifacts" for run in runs] * 10
        listing = [asyncio.create_task(served.client.get(address)) for address in addresses]
        await served.until(lambda: len(scanned) == 2)

        run = await served.complete()

        release.set()
        responses = await asyncio.gather(*listing)

    assert run.status.value == "completed"
    assert {response.status_code for response in responses} == {200}
    assert len(scanned) == 4


async def test_what_is_not_an_artifact_is_named_in_the_log_once(open_served: OpenServed, tmp_path: Path) -> None:
    async with open_served() as served:
        run_id, step = await served.begin("handbook", "extract")
        directory = step.context.artifacts
        (directory / "kept.txt").write_text("x")
        (directory / "link").symlink_to(tmp_path)
        os.mkfifo(directory / "pipe")
        Path(os.fsdecode(os.fsencode(directory) + b"/\xff.txt")).write_text("x")
        step.end()
        (await served.executor.step("generate")).end()
        await served.end_of(run_id)

        listed = (await served.client.get(f"/api/v1/runs/{run_id}/artifacts")).json()["artifacts"]
        log = (await served.client.get(f"/api/v1/runs/{run_id}/log?level=warning")).json()["records"]

    assert [each["name"] for each in listed] == ["kept.txt"]
    [record] = log
    prefix, _, names = record["message"].partition(": ")
    assert prefix == "not listed as artifacts"
    assert sorted(names.split(", ")) == ["\\xff.txt (its name is not UTF-8)", "link (symbolic link)", "pipe (FIFO)"]


async def test_a_directory_replaced_by_a_link_is_neither_listed_nor_served(
    open_served: OpenServed, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "a.txt").write_text("x")
    async with open_served() as served:
        run_id, step = await served.begin()
        step.context.artifacts.rmdir()
        step.context.artifacts.symlink_to(tmp_path / "other")
        step.end()
        await served.end_of(run_id)

        listed = (await served.client.get(f"/api/v1/runs/{run_id}/artifacts")).json()["artifacts"]
        download = await served.client.get(f"/api/v1/runs/{run_id}/artifacts/a.txt")
        log = (await served.client.get(f"/api/v1/runs/{run_id}/log?level=warning")).json()["records"]

    assert listed == []
    assert download.status_code == 404
    assert [record["message"] for record in log] == ["not listed as artifacts: the artifact directory (symbolic link)"]


async def test_a_file_name_that_is_not_utf_8_is_not_listed(open_served: OpenServed) -> None:
    async with open_served() as served:
        run_id, step = await served.begin()
        Path(os.fsdecode(os.fsencode(step.context.artifacts) + b"/\xff.txt")).write_text("x")
        step.end()
        run = await served.end_of(run_id)

        response = await served.client.get(f"/api/v1/runs/{run_id}/artifacts")

    assert run.status.value == "completed"
    assert response.json() == {"artifacts": [], "next_cursor": None, "truncated": False}


async def test_a_file_name_may_contain_line_breaks(open_served: OpenServed) -> None:
    async with open_served() as served:
        run_id, step = await served.begin()
        (step.context.artifacts / "new\nline\n").write_text("x")
        step.end()
        await served.end_of(run_id)

        listed = (await served.client.get(f"/api/v1/runs/{run_id}/artifacts")).json()["artifacts"]
        response = await served.client.get(f"/api/v1/runs/{run_id}/artifacts/new%0Aline%0A")

    assert [item["name"] for item in listed] == ["new\nline\n"]
    assert (response.status_code, response.content) == (200, b"x")


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
    assert artifacts.media_type_of(name).startswith("text/")


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
