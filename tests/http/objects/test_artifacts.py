"""Artifacts in a bucket, over HTTP: the same answers as from the data directory, on any machine."""

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest

from solorun.status import Status
from tests.fakes.application import OpenServed
from tests.http.objects.answers import messages, names, runs_with_files


async def test_artifacts_are_listed_when_their_attempt_has_ended(
    open_served: OpenServed, settings: dict[str, Any]
) -> None:
    async with open_served(**settings) as served:
        run_id, step = await served.begin("handbook", "extract")
        (step.context.artifacts / "terms").mkdir()
        (step.context.artifacts / "terms" / "用語 100%.json").write_text("{}")
        early = await names(served, run_id)
        step.end()
        second = await served.executor.step("generate")
        between = await names(served, run_id)
        (second.context.artifacts / "page.html").write_text("<p>")
        second.end()
        await served.end_of(run_id)
        assert runs_with_files(served) == []

        listed = (await served.client.get(f"/api/v1/runs/{run_id}/artifacts")).json()
        page = await served.client.get(f"/api/v1/runs/{run_id}/artifacts", params={"limit": 1})
        terms = await served.client.get(f"/api/v1/runs/{run_id}/artifacts/terms/用語 100%25.json")
        log = await messages(served, run_id, "info")

    assert (early, between) == ([], ["terms/用語 100%.json"])
    assert [(each["name"], each["size_bytes"], each["media_type"]) for each in listed["artifacts"]] == [
        ("page.html", 3, "text/html"),
        ("terms/用語 100%.json", 2, "application/json"),
    ]
    assert page.json()["next_cursor"] is not None
    assert terms.content == b"{}"
    assert terms.headers["content-disposition"].endswith("UTF-8''%E7%94%A8%E8%AA%9E%20100%25.json")
    assert "sandbox" in terms.headers["content-security-policy"]
    assert [line for line in log if line.startswith("artifact ")] == [
        "artifact terms/用語 100%.json, 2 B",
        "artifact page.html, 3 B",
    ]


async def test_parts_and_versions_are_answered_as_from_the_data_directory(
    open_served: OpenServed, settings: dict[str, Any]
) -> None:
    async with open_served(**settings) as served:
        run_id, step = await served.begin()
        (step.context.artifacts / "a.bin").write_text("0123456789")
        step.end()
        await served.end_of(run_id)
        address = f"/api/v1/runs/{run_id}/artifacts/a.bin"

        whole = await served.client.get(address)
        head = await served.client.head(address)
        tag = whole.headers["etag"]
        same = await served.client.get(address, headers={"if-none-match": tag})
        part = await served.client.get(address, headers={"range": "bytes=7-", "if-range": tag})
        beyond = await served.client.get(address, headers={"range": "bytes=10-"})
        missing = await served.client.get(f"/api/v1/runs/{run_id}/artifacts/b.bin")
        no_run = await served.client.get("/api/v1/runs/99/artifacts/a.bin")

    assert (whole.content, whole.headers["content-length"]) == (b"0123456789", "10")
    assert (head.content, head.headers["content-length"]) == (b"", "10")
    assert (same.status_code, same.content) == (304, b"")
    assert (part.status_code, part.content, part.headers["content-range"]) == (206, b"789", "bytes 7-9/10")
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, "bytes */10")
    assert missing.json()["type"].endswith("artifact-not-found")
    assert no_run.json()["type"].endswith("run-not-found")


async def test_all_artifacts_are_downloaded_as_a_zip(open_served: OpenServed, settings: dict[str, Any]) -> None:
    files = {"a.txt": b"a" * 300_000, "b/c.txt": b"", "b/d.txt": b"d"}
    async with open_served(**settings) as served:
        run_id, step = await served.begin()
        (step.context.artifacts / "b").mkdir()
        for name, content in files.items():
            (step.context.artifacts / name).write_bytes(content)
        step.end()
        await served.end_of(run_id)

        response = await served.client.get(f"/api/v1/runs/{run_id}/artifacts.zip")

    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == files


async def test_only_what_has_changed_is_uploaded_again(
    open_served: OpenServed, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_served(**settings) as served:
        run_id, step = await served.begin("handbook", "extract")
        (step.context.artifacts / "kept").write_text("kept")
        (step.context.artifacts / "changed").write_text("before")
        step.end()
        second = await served.executor.step("generate")
        (second.context.artifacts / "changed").write_text("afterwards")
        second.end()
        await served.end_of(run_id)

        changed = await served.client.get(f"/api/v1/runs/{run_id}/artifacts/changed")
        log = await messages(served, run_id, "info")

    assert changed.text == "afterwards"
    assert sorted(line for line in log if line.startswith("artifact ")) == [
        "artifact changed, 10 B",
        "artifact changed, 6 B",
        "artifact kept, 4 B",
    ]


async def test_a_link_that_takes_the_place_of_a_file_is_not_uploaded(
    open_served: OpenServed, settings: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "outside").write_text("secret")
    async with open_served(**settings) as served:
        run_id, step = await served.begin()
        file = step.context.artifacts / "a.txt"
        file.write_text("inside")
        upload = served.service.artifacts.upload

        def replace_and_upload(run_id: int, names: Any) -> Any:
            file.unlink()
            file.symlink_to(tmp_path / "outside")
            return upload(run_id, names)

        monkeypatch.setattr(served.service.artifacts, "upload", replace_and_upload)
        step.end()
        run = await served.end_of(run_id)

        listed, warnings = await names(served, run_id), await messages(served, run_id)

    assert (run.status, listed) == (Status.COMPLETED, [])
    assert warnings == ["not uploaded as artifacts (no longer a file): a.txt"]


async def test_a_rerun_finds_the_artifacts_of_the_earlier_run(
    open_served: OpenServed, settings: dict[str, Any]
) -> None:
    async with open_served(**settings) as served:
        run_id, step = await served.begin()
        (step.context.artifacts / "deep").mkdir()
        (step.context.artifacts / "deep" / "report.csv").write_text("a,b")
        step.end()
        await served.end_of(run_id)

        rerun = (await served.client.post(f"/api/v1/runs/{run_id}/rerun")).json()
        again = await served.executor.step("deploy")
        earlier = again.context.artifacts.parent / str(run_id) / "deep" / "report.csv"
        found = earlier.read_text()
        again.end()
        await served.end_of(rerun["id"])

        assert f"downloaded the artifacts of run {run_id}" in await messages(served, rerun["id"], "info")

        assert await names(served, rerun["id"]) == []
        assert runs_with_files(served) == []

    assert found == "a,b"


async def test_a_rerun_begins_without_the_artifacts_that_cannot_be_downloaded(
    open_served: OpenServed, unreachable: dict[str, Any]
) -> None:
    async with open_served(**unreachable) as served:
        run = await served.complete()

        rerun = (await served.client.post(f"/api/v1/runs/{run.id}/rerun")).json()
        (await served.executor.step("deploy")).end()
        ended = await served.end_of(rerun["id"])

        warnings = await messages(served, rerun["id"])

    assert ended.status is Status.COMPLETED
    reason = "The artifact store cannot be used: the connection failed."
    assert warnings == [f"the artifacts of run {run.id} could not be downloaded: {reason}"]
