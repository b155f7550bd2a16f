"""Artifacts in a bucket, over HTTP: the same answers as from the data directory, on any machine."""

import io
import socket
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from obstore.store import MemoryStore

from solorun.artifacts import bucket, object_store
from solorun.status import Status, StepStatus
from tests.fakes.application import OpenServed, Served
from tests.fakes.project_toml import project_toml
from tests.fakes.s3_server import ENVIRON, SECRET


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Those of a service whose bucket is in memory."""
    objects = MemoryStore()
    monkeypatch.setattr(bucket, "open_bucket", lambda url, environ: objects)
    return {"artifact_store": "s3://solorun", "environ": ENVIRON}


@pytest.fixture
def silent_address() -> Iterator[str]:
    """A server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


async def messages(served: Served, run_id: int, level: str = "warning") -> list[str]:
    answer = await served.client.get(f"/api/v1/runs/{run_id}/log", params={"level": level})
    return [record["message"] for record in answer.json()["records"]]


async def names(served: Served, run_id: int) -> list[str]:
    answer = await served.client.get(f"/api/v1/runs/{run_id}/artifacts")
    assert answer.status_code == 200, answer.text
    return [artifact["name"] for artifact in answer.json()["artifacts"]]


def runs_with_files(served: Served) -> list[str]:
    """Those that have an artifact directory on this machine."""
    return sorted(entry.name for entry in (served.service.directory.path / "artifacts").iterdir())


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


async def test_a_cancelled_run_uploads_what_it_left(open_served: OpenServed, settings: dict[str, Any]) -> None:
    async with open_served(**settings) as served:
        run_id, step = await served.begin()
        (step.context.artifacts / "partial.txt").write_text("half")

        await served.client.post(f"/api/v1/runs/{run_id}/cancel")
        run = await served.end_of(run_id)

        assert (run.status, await names(served, run_id)) == (Status.CANCELLED, ["partial.txt"])


async def test_a_service_that_shuts_down_uploads_what_its_runs_left(
    open_served: OpenServed, settings: dict[str, Any]
) -> None:
    async with open_served(**settings) as served:
        run_id, step = await served.begin()
        (step.context.artifacts / "partial.txt").write_text("half")
    async with open_served(**settings) as served:
        run = await served.service.store.get_run(run_id)

        assert (run.status, await names(served, run_id)) == (Status.INTERRUPTED, ["partial.txt"])


async def test_deleted_runs_leave_no_objects(open_served: OpenServed, settings: dict[str, Any]) -> None:
    toml = """
[projects.deploy]
keep = { runs = 1 }
[[projects.deploy.steps]]
name = "deploy"
run = "true"
"""
    async with open_served(toml=toml, **settings) as served:
        runs = []
        for _ in range(2):
            run_id, step = await served.begin()
            (step.context.artifacts / "a.bin").write_bytes(bytes(1000))
            step.end()
            runs.append((await served.end_of(run_id)).id)

        planned = await served.service.pruner.plan()
        await served.service.pruner.prune()

        sizes = await served.service.artifacts.measure(runs)

    assert planned.size_bytes >= 1000
    assert sizes == {runs[0]: 0, runs[1]: 1000}


async def test_ids_continue_above_those_in_the_bucket(
    open_served: OpenServed, settings: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    async with open_served(**settings) as served:
        for _ in range(3):
            run_id, step = await served.begin()
            (step.context.artifacts / "a").write_text("x")
            step.end()
            await served.end_of(run_id)
    async with open_served(data_dir=served.service.directory.path.with_name("new"), **settings) as served:
        run = await served.start()
        (await served.executor.step("deploy")).end()
        await served.end_of(run["id"])

    assert run["id"] == 4
    assert "The database is older than the artifacts: ids continue above 3" in caplog.text


async def test_the_credentials_are_masked_in_logs(open_served: OpenServed, settings: dict[str, Any]) -> None:
    async with open_served(**settings) as served:
        run = await served.complete(lines=[f"the key is {SECRET}"])

        assert await messages(served, run.id, "info")
        text = (await served.client.get(f"/api/v1/runs/{run.id}/log.txt")).text

    assert "the key is ***" in text
    assert SECRET not in text


# -- a bucket that cannot be reached


@pytest.fixture
def unreachable(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setitem(bucket.RETRIES, "retry_timeout", timedelta(milliseconds=50))
    return {"artifact_store": "s3://solorun", "environ": {**ENVIRON, "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}}


async def test_without_the_bucket_a_run_goes_on_and_names_the_files(
    open_served: OpenServed, unreachable: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    async with open_served(**unreachable) as served:
        run_id, step = await served.begin("handbook", "extract")
        for number in range(30):
            (step.context.artifacts / f"{number:02}").write_text("x")
        step.end()
        (await served.executor.step("generate")).end()
        run = await served.end_of(run_id)

        kept = runs_with_files(served)
        warnings = await messages(served, run_id)
        answers = [
            await served.client.get(f"/api/v1/runs/{run_id}/{path}")
            for path in ("artifacts", "artifacts/00", "artifacts.zip")
        ]

    named = ", ".join(f"{number:02}" for number in range(20))
    assert (run.status, kept) == (Status.COMPLETED, [str(run_id)])
    assert warnings == [f"not uploaded as artifacts (the connection failed): {named} and 10 more"] * 2
    assert [answer.status_code for answer in answers] == [503] * 3
    assert {answer.json()["type"] for answer in answers} == {"/problems/store-unavailable"}
    assert "The artifact store cannot be used: the connection failed." in caplog.text
    assert SECRET not in caplog.text


async def test_a_cancel_does_not_wait_for_a_silent_bucket(
    open_served: OpenServed, silent_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_store, "ANSWER_SECONDS", 0.1)
    environ = {**ENVIRON, "AWS_ENDPOINT_URL": silent_address}
    async with open_served(artifact_store="s3://solorun", environ=environ) as served:
        run_id, step = await served.begin()
        (step.context.artifacts / "a.txt").write_text("x")
        step.end()

        answer = await served.client.post(f"/api/v1/runs/{run_id}/cancel", json={"grace_seconds": 0})
        run = await served.end_of(run_id)
        listed = await served.client.get(f"/api/v1/runs/{run_id}/artifacts")

        warnings = await messages(served, run_id)

    assert answer.status_code == 202
    assert run.status is Status.CANCELLED
    assert [(step.name, step.status) for step in run.steps] == [("deploy", StepStatus.COMPLETED)]
    assert warnings[-1] == "not uploaded as artifacts (the run had to stop): a.txt"
    assert listed.status_code == 503


async def test_a_run_that_times_out_while_it_uploads_has_not_completed(
    open_served: OpenServed, silent_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_store, "ANSWER_SECONDS", 0.1)
    environ = {**ENVIRON, "AWS_ENDPOINT_URL": silent_address}
    toml = project_toml("deploy", {"deploy": ["true"]}, timeout="500ms")
    async with open_served(toml=toml, artifact_store="s3://solorun", environ=environ) as served:
        run_id, step = await served.begin()
        (step.context.artifacts / "a.txt").write_text("x")
        step.end()

        run = await served.end_of(run_id)

    assert (run.status, run.error_message) == (Status.FAILED, "the run timed out after 500ms")
