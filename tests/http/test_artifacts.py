"""The list of the artifacts of a run."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Scope

from solorun.artifacts import scan as artifacts
from solorun.artifacts.html_page import add_script
from solorun.http.turns import Turns
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


async def test_an_html_file_can_be_shown_as_an_isolated_page(open_served: OpenServed) -> None:
    async with open_served() as served:
        run_id, step = await served.begin()
        for name in ("page.html", "data.json"):
            (step.context.artifacts / name).write_text("[]")
        step.end()
        await served.end_of(run_id)

        page = await served.client.get(f"/api/v1/runs/{run_id}/artifacts/page.html?inline=true")
        data = await served.client.get(f"/api/v1/runs/{run_id}/artifacts/data.json?inline=true")

    assert (page.status_code, page.headers["content-type"]) == (200, "text/html")
    assert "content-disposition" not in page.headers
    policy = page.headers["content-security-policy"].split("; ")
    assert {"sandbox allow-scripts", "default-src 'none'", "frame-ancestors 'self'"} <= set(policy)
    assert data.headers["content-disposition"].startswith("attachment;")
    assert data.headers["content-security-policy"].startswith("default-src 'none'; sandbox;")


async def test_a_page_contains_the_style_that_it_refers_to(open_served: OpenServed) -> None:
    async with open_served() as served:
        run_id, step = await served.begin()
        (step.context.artifacts / "style.css").write_text("p {}")
        (step.context.artifacts / "page.html").write_text('<link rel="stylesheet" href="style.css">')
        step.end()
        await served.end_of(run_id)

        page = await served.client.get(f"/api/v1/runs/{run_id}/artifacts/page.html?inline=true")
        file = await served.client.get(f"/api/v1/runs/{run_id}/artifacts/page.html")

    assert page.text == add_script(b'<link rel="stylesheet" href="data:text/css;base64,cCB7fQ==">').decode()
    assert "etag" not in page.headers
    assert file.text == '<link rel="stylesheet" href="style.css">'


@pytest.mark.parametrize("largest", [1_000_000, 5])
async def test_a_page_of_any_size_has_the_script_of_isolated_pages(
    open_served: OpenServed, monkeypatch: pytest.MonkeyPatch, largest: int
) -> None:
    monkeypatch.setattr("solorun.api.artifacts._MAX_PAGE_BYTES", largest)
    page = b"<!doctype html><p>" + bytes(600_000)
    async with open_served() as served:
        run_id, step = await served.begin()
        (step.context.artifacts / "page.html").write_bytes(page)

        response = await served.client.get(
            f"/api/v1/runs/{run_id}/artifacts/page.html?inline=true", headers={"range": "bytes=0-4"}
        )

    assert (response.status_code, response.content) == (200, add_script(page))


async def test_a_page_whose_client_leaves_before_its_turn_leaves_no_open_file(
    open_served: OpenServed, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_waiting = asyncio.Event()

    @asynccontextmanager
    async def take(_self: Turns, _scope: Scope) -> AsyncIterator[None]:
        is_waiting.set()
        await asyncio.Event().wait()
        yield

    monkeypatch.setattr(Turns, "take", take)
    async with open_served() as served:
        run_id, step = await served.begin()
        (step.context.artifacts / "page.html").write_text("<p>")
        before = len(os.listdir("/proc/self/fd"))

        request = asyncio.create_task(served.client.get(f"/api/v1/runs/{run_id}/artifacts/page.html?inline=true"))
        await is_waiting.wait()
        request.cancel()
        await asyncio.wait([request])

        assert len(os.listdir("/proc/self/fd")) == before


async def test_a_page_is_shown_without_a_file_that_is_being_written(
    open_served: OpenServed, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = '<link rel="stylesheet" href="style.css"><link rel="stylesheet" href="other.css">'
    read = os.read
    async with open_served() as served:
        run_id, step = await served.begin()
        (step.context.artifacts / "page.html").write_text(page)
        (step.context.artifacts / "style.css").write_text("p { margin: 0 }")
        (step.context.artifacts / "other.css").write_text("p {}")
        monkeypatch.setattr(os, "read", lambda file, size: b"" if size == len("p { margin: 0 }") else read(file, size))

        response = await served.client.get(f"/api/v1/runs/{run_id}/artifacts/page.html?inline=true")

    assert response.text.endswith(page.replace("other.css", "data:text/css;base64,cCB7fQ=="))


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


@pytest.mark.parametrize(("create", "breaks"), [(Path.touch, 6), (lambda path: path.symlink_to("x"), 3)])
def test_a_scan_of_many_files_lets_other_threads_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, create: Callable[[Path], None], breaks: int
) -> None:
    for number in range(8):
        (tmp_path / str(number)).mkdir()
        for name in range(100):
            create(tmp_path / str(number) / str(name))
    taken: list[float] = []
    monkeypatch.setattr("solorun.artifacts.scan.time.sleep", taken.append)

    artifacts.scan_artifacts(tmp_path)

    # While it finds the files, and while it reads their sizes.
    assert len(taken) == breaks
