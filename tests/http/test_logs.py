"""Pages of a log, and whole logs as downloads."""

from functools import partial
from typing import Any

import anyio
import pytest
from starlette.types import Message

from solorun.record import StoredLogPage, Stream
from solorun.store import LogQuery
from solorun.wire.encoding import decode_records
from tests.fakes.application import OpenServed, Served


def page_of(response: Any) -> tuple[list[int], int, bool, bool]:
    page = response.json()
    return [record["seq"] for record in page["records"]], page["matches"], page["more_before"], page["more_after"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ([1, 2, 3, 4, 5, 6, 7], 7, False, False)),
        ({"limit": 2}, ([6, 7], 7, True, False)),
        ({"after": 2, "limit": 2}, ([3, 4], 7, True, True)),
        ({"before": 4, "limit": 2}, ([2, 3], 7, True, True)),
        ({"after": 2, "before": 4}, ([3], 7, True, True)),
        ({"q": "LINE"}, ([2, 3, 4, 5, 6], 5, False, False)),
        ({"q": "line 1"}, ([3], 1, False, False)),
        ({"q": "LINE", "match_case": 1}, ([], 0, False, False)),
        ({"q": "ine", "whole_word": 1}, ([], 0, False, False)),
        ({"q": "^line [13]$", "regex": 1}, ([3, 5], 2, False, False)),
        ({"regex": 1}, ([1, 2, 3, 4, 5, 6, 7], 7, False, False)),
        ({"q": ""}, ([1, 2, 3, 4, 5, 6, 7], 7, False, False)),
        ({"step": "nothing"}, ([], 0, False, False)),
        ({"step": "deploy", "attempt": 1, "limit": 2}, ([6, 7], 7, True, False)),
        ({"step": "deploy", "attempt": 2}, ([], 0, False, False)),
        ({"level": "warning"}, ([], 0, False, False)),
        ({"level": "info", "step": "deploy", "q": "line", "limit": 1}, ([6], 5, True, False)),
        ({"after": 9223372036854775807}, ([], 7, True, False)),
        ({"event": "step"}, ([1, 7], 2, False, False)),
        ({"event": ["artifact", "step"], "limit": 1}, ([7], 2, True, False)),
        ({"event": "progress"}, ([], 0, False, False)),
        ({"stream": "solorun"}, ([1, 7], 2, False, False)),
        ({"stream": "stdout", "limit": 1}, ([6], 5, True, False)),
    ],
    ids=str,
)
async def test_a_page_contains_the_records_between_its_bounds(
    open_served: OpenServed, query: dict[str, Any], expected: tuple[list[int], int, bool, bool]
) -> None:
    async with open_served() as served:
        run = await served.complete(lines=[f"line {number}" for number in range(5)])

        response = await served.client.get(f"/api/v1/runs/{run.id}/log", params=query)

    assert response.status_code == 200
    assert page_of(response) == expected


@pytest.mark.parametrize("path", ["log", "log.txt", "log.ndjson"])
async def test_an_invalid_expression_is_refused_with_its_reason(open_served: OpenServed, path: str) -> None:
    async with open_served() as served:
        run = await served.complete()

        responses = [
            await served.client.get(f"/api/v1/runs/{run.id}/{path}", params={"q": text, "regex": 1})
            for text in ("(a", r"\pL{500}", "(?=a)")
        ]

    assert [response.json()["errors"][0] for response in responses] == [
        {"pointer": "?q", "message": f"is not a valid regular expression: {reason}"}
        for reason in ("missing ): (a", "pattern too large - compile failed", "invalid perl operator: (?=")
    ]
    assert {response.status_code for response in responses} == {422}


@pytest.mark.parametrize("path", ["log", "log.txt", "log.ndjson"])
async def test_an_attempt_without_its_step_is_refused(open_served: OpenServed, path: str) -> None:
    async with open_served() as served:
        run = await served.complete(lines=[])

        response = await served.client.get(f"/api/v1/runs/{run.id}/{path}", params={"attempt": 1})

    assert response.status_code == 422
    assert [error["pointer"] for error in response.json()["errors"]] == ["?attempt"]


async def test_an_event_that_does_not_exist_is_refused(open_served: OpenServed) -> None:
    async with open_served() as served:
        run = await served.complete(lines=[])

        response = await served.client.get(f"/api/v1/runs/{run.id}/log", params={"event": "noise"})

    assert response.status_code == 422
    assert [fault["pointer"] for fault in response.json()["errors"]] == ["?event"]


async def test_the_whole_log_is_downloaded_as_ndjson(open_served: OpenServed) -> None:
    async with open_served() as served:
        run = await served.complete(lines=[f"line {number}" for number in range(2500)])

        response = await served.client.get(f"/api/v1/runs/{run.id}/log.ndjson")

    records = decode_records(response.content)
    assert [record.seq for record in records] == list(range(1, 2503))
    assert response.headers["content-type"] == "application/x-ndjson"
    assert response.headers["content-disposition"] == f'attachment; filename="deploy-{run.id}.ndjson"'


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("log.txt", "deploy-{}.txt"),
        ("log.txt?raw=1", "deploy-{}.txt"),
        ("log.txt?level=warning", "deploy-{}-filtered.txt"),
        ("log.ndjson?q=first", "deploy-{}-filtered.ndjson"),
    ],
)
async def test_a_part_of_a_log_has_another_file_name_than_the_whole(
    open_served: OpenServed, address: str, name: str
) -> None:
    async with open_served() as served:
        run = await served.complete(lines=["first"])

        response = await served.client.get(f"/api/v1/runs/{run.id}/{address}")

    assert response.headers["content-disposition"] == f'attachment; filename="{name.format(run.id)}"'


async def test_the_whole_log_is_downloaded_as_text(open_served: OpenServed) -> None:
    async with open_served() as served:
        run = await served.complete(lines=["first", "日本 \x1b[31mred\x1b[0m"])

        response = await served.client.get(f"/api/v1/runs/{run.id}/log.txt")

    lines = response.content.decode().splitlines()
    assert [line.partition("Z ")[2] for line in lines] == [
        "info    deploy: deploy started",
        "info    deploy: first",
        "info    deploy: 日本 red",
        "info    deploy: deploy completed",
    ]
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["content-disposition"].startswith("attachment")


async def test_the_whole_log_is_downloaded_as_it_was_printed(open_served: OpenServed) -> None:
    async with open_served() as served:
        run = await served.complete(lines=["\x1b[31mred\x1b[0m", "1%\r2%"])

        response = await served.client.get(f"/api/v1/runs/{run.id}/log.txt?raw=1")

    lines = response.content.decode().split("\n")
    assert [line.partition("deploy: ")[2] for line in lines[1:3]] == ["\x1b[31mred\x1b[0m", "1%\r2%"]


@pytest.mark.parametrize(
    ("query", "messages"),
    [
        ({"q": "LINE 1"}, ["line 1"]),
        ({"q": "line [1-9]", "regex": 1}, ["line 1"]),
        ({"level": "warning"}, []),
        ({"step": "nothing"}, []),
        ({"step": "deploy", "attempt": 1, "q": "line"}, ["line 0", "line 1"]),
        ({"step": "deploy", "attempt": 2}, []),
        ({"step": "deploy", "level": "info", "q": "line"}, ["line 0", "line 1"]),
        ({"event": "step"}, ["deploy started", "deploy completed"]),
        ({"event": ["group", "step"], "q": "completed"}, ["deploy completed"]),
        ({"event": "cancel"}, []),
        ({"stream": "solorun"}, ["deploy started", "deploy completed"]),
        ({"stream": "stderr"}, []),
    ],
    ids=str,
)
async def test_a_download_contains_the_records_that_match_the_filters(
    open_served: OpenServed, query: dict[str, Any], messages: list[str]
) -> None:
    async with open_served() as served:
        run = await served.complete(lines=["line 0", "line 1"])

        ndjson = await served.client.get(f"/api/v1/runs/{run.id}/log.ndjson", params=query)
        text = await served.client.get(f"/api/v1/runs/{run.id}/log.txt", params=query)

    assert [record.message for record in decode_records(ndjson.content)] == messages
    assert [line.partition("deploy: ")[2] for line in text.text.splitlines()] == messages


@pytest.mark.parametrize("suffix", ["ndjson", "txt"])
async def test_the_log_of_an_active_run_is_downloaded_so_far(open_served: OpenServed, suffix: str) -> None:
    async with open_served() as served:
        run_id, step = await served.begin()
        await step.context.output.write("deploy", Stream.STDOUT, ["now"])
        topic = served.service.hub.find(run_id)
        assert topic is not None
        await served.until(lambda: topic.run.last_seq == 2)

        response = await served.client.get(f"/api/v1/runs/{run_id}/log.{suffix}")

    assert len(response.content.splitlines()) == 2


@pytest.mark.parametrize("suffix", ["", ".txt", ".ndjson"])
async def test_a_head_of_a_log_has_no_body(open_served: OpenServed, suffix: str) -> None:
    async with open_served() as served:
        run = await served.complete(lines=["x"])

        response = await served.client.head(f"/api/v1/runs/{run.id}/log{suffix}")

    assert (response.status_code, response.content) == (200, b"")


class _HeldSearches:
    """Replaces a store's `read_log`: each call waits until it is released."""

    def __init__(self, served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun: list[str | None] = []
        self.abandoned: list[str | None] = []
        self.release = anyio.Event()
        self._read = served.service.store.read_log
        monkeypatch.setattr(served.service.store, "read_log", self._hold)

    async def _hold(self, run_id: int, query: LogQuery) -> StoredLogPage:
        self.begun.append(query.text)
        try:
            await self.release.wait()
        except anyio.get_cancelled_exc_class():
            self.abandoned.append(query.text)
            raise
        return await self._read(run_id, query)


async def test_a_search_ends_when_its_client_is_gone(open_served: OpenServed, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_served() as served:
        run = await served.complete(lines=["line"])
        searches = _HeldSearches(served, monkeypatch)
        sent: list[Message] = []

        async def receive() -> Message:
            await served.until(lambda: bool(searches.begun))
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": "GET",
            "path": f"/api/v1/runs/{run.id}/log",
            "query_string": b"q=line",
            "headers": [(b"host", b"127.0.0.1:8700")],
            "client": ("127.0.0.1", 5000),
        }
        with anyio.fail_after(60):
            await served.app(scope, receive, send)

    assert (searches.abandoned, sent) == (["line"], [])


async def test_a_client_has_one_search_at_a_time(open_served: OpenServed, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_served() as served, anyio.create_task_group() as requests:
        run = await served.complete(lines=["line"])
        searches = _HeldSearches(served, monkeypatch)
        pages: dict[str, int] = {}

        async def search(text: str, **headers: str) -> None:
            response = await served.client.get(f"/api/v1/runs/{run.id}/log", params={"q": text}, headers=headers)
            pages[text] = response.json()["matches"]

        requests.start_soon(search, "line")
        await served.until(lambda: searches.begun == ["line"])
        requests.start_soon(search, "ine")
        await anyio.wait_all_tasks_blocked()
        requests.start_soon(partial(search, "ne", cookie="session=another"))
        await served.until(lambda: len(searches.begun) > 1)
        assert searches.begun == ["line", "ne"]
        searches.release.set()
        await served.until(lambda: len(pages) == 3)

    assert pages == {"line": 1, "ine": 1, "ne": 1}
    assert searches.begun == ["line", "ne", "ine"]
