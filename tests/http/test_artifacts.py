"""A run's artifacts can be downloaded, and nothing else."""

import os
from pathlib import Path

import pytest

from solorun.api.artifacts import FileChunks, content_disposition, open_beneath
from solorun.errors import ArtifactNotFound
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

    assert response.json() == {"artifacts": []}


async def test_a_file_name_that_is_not_utf_8_is_not_listed(open_served: OpenServed) -> None:
    async with open_served() as served:
        run_id, step = await served.begin()
        Path(os.fsdecode(os.fsencode(step.context.artifacts) + b"/\xff.txt")).write_text("x")
        step.end()
        run = await served.end_of(run_id)

        response = await served.client.get(f"/api/v1/runs/{run_id}/artifacts")

    assert run.status.value == "completed"
    assert response.json() == {"artifacts": []}


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
