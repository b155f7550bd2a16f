"""Projects, health, metrics, the OpenAPI document, the front page."""

import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate
from prometheus_client.core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from solorun.api.openapi import document
from solorun.api.routes import OPERATIONS
from solorun.errors import PROBLEMS
from tests.fakes.application import OpenServed


async def test_projects_are_listed_with_their_steps_and_runs(open_served: OpenServed) -> None:
    async with open_served() as served:
        ended = await served.complete("glossary-de", "extract")
        run_id, _ = await served.begin("handbook", "extract")

        response = (await served.client.get("/api/v1/projects")).json()

        handbook, deploy = response["projects"]
        assert (handbook["name"], handbook["title"]) == ("handbook", "Handbook glossary")
        assert [parameter["name"] for parameter in handbook["params"]] == ["date", "documents"]
        assert handbook["steps"] == [{"name": "extract", "kind": "command"}, {"name": "generate", "kind": "command"}]
        assert handbook["scopes"] == ["full", "extract", "generate", "from:extract", "from:generate"]
        assert (handbook["current_run"]["id"], handbook["last_run"]["id"]) == (run_id, run_id)
        assert (deploy["current_run"], deploy["last_run"]) == (None, None)
        assert [(family["pattern"], family["projects"]) for family in response["families"]] == [
            ("glossary-*", [ended.project])
        ]
        assert response["members"] == [(await served.client.get(f"/api/v1/projects/{ended.project}")).json()]
        assert response["members"][0]["last_run"]["id"] == ended.id


@pytest.mark.parametrize(("name", "last"), [("deploy", True), ("glossary-fr", False)])
async def test_a_project_is_shown_with_its_last_run(open_served: OpenServed, name: str, last: bool) -> None:
    async with open_served() as served:
        run = await served.complete("deploy")

        response = (await served.client.get(f"/api/v1/projects/{name}")).json()

    assert (response["name"], response["current_run"]) == (name, None)
    assert response["last_run"] == (None if not last else {**response["last_run"], "id": run.id})


async def test_an_unknown_project_returns_404(open_served: OpenServed) -> None:
    async with open_served() as served:
        response = await served.client.get("/api/v1/projects/nothing")

    assert (response.status_code, response.json()["type"]) == (404, "/problems/project-not-found")


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/", "/openapi.json", "/metrics", "/login.css"])
async def test_a_head_is_a_get_without_its_body(open_served: OpenServed, path: str) -> None:
    async with open_served() as served:
        head = await served.client.head(path)
        get = await served.client.get(path)

    assert (head.status_code, get.status_code, head.content) == (200, 200, b"")
    assert head.headers["content-type"] == get.headers["content-type"]
    assert get.content


async def test_a_draining_service_is_alive_but_not_ready(open_served: OpenServed) -> None:
    async with open_served() as served:
        await served.service.drain()

        alive = await served.client.get("/livez")
        ready = await served.client.get("/readyz")

    assert (alive.status_code, ready.status_code) == (200, 503)
    assert ready.headers["content-type"] == "application/problem+json"
    assert ready.json()["type"] == "about:blank"
    assert [fault["message"] for fault in ready.json()["errors"]] == ["the service is shutting down"]


def test_the_document_describes_the_response_of_a_service_that_is_not_ready() -> None:
    response = document(OPERATIONS)["paths"]["/readyz"]["get"]["responses"]["503"]

    assert "`about:blank`" in response["description"]
    assert "`draining`" not in response["description"]
    assert response["content"] == {
        "application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}
    }


async def test_an_invalid_file_makes_the_service_not_ready_and_keeps_the_last_valid_one(
    open_served: OpenServed, tmp_path: Path
) -> None:
    async with open_served() as served:
        (tmp_path / "solorun.toml").write_text("[projects.deploy]\nstep = 1\n")

        started = await served.client.post("/api/v1/projects/deploy/runs")
        ready = await served.client.get("/readyz")

    assert (started.status_code, ready.status_code) == (201, 503)
    assert "solorun.toml" in ready.json()["detail"]


async def test_metrics_have_bounded_labels(open_served: OpenServed) -> None:
    async with open_served() as served:
        await served.complete("glossary-de", "extract")
        await served.until(lambda: served.service.manager.registry.ended.total() == 1)
        await served.begin()
        await served.client.get("/nowhere/at/all")

        response = await served.client.get("/metrics")

        families = {family.name: family for family in _families(response.text)}
        samples = {tuple(sample.labels.values()): sample.value for sample in families["solorun_active_runs"].samples}
        responses = {
            tuple(sample.labels.values()): sample.value for sample in families["solorun_http_responses"].samples
        }
        assert response.headers["content-type"].startswith("application/openmetrics-text")
        ended = {tuple(sample.labels.values()): sample.value for sample in families["solorun_ended_runs"].samples}
        assert samples == {("pending",): 0, ("running",): 1}
        assert ended == {("completed",): 1, ("failed",): 0, ("cancelled",): 0, ("interrupted",): 0}
        assert responses == {("startRun", "201"): 2, ("none", "404"): 1}


def _families(text: str) -> list[Metric]:
    return list(text_string_to_metric_families(text))  # type: ignore[no-untyped-call]


async def _document(open_served: OpenServed) -> dict[str, Any]:
    async with open_served() as served:
        response = await served.client.get("/openapi.json")
    document: dict[str, Any] = response.json()
    return document


async def test_the_openapi_document_is_valid(open_served: OpenServed) -> None:
    document = await _document(open_served)

    validate(document)
    assert document["openapi"] == "3.1.0"


async def test_the_openapi_document_lists_every_operation_and_every_problem(open_served: OpenServed) -> None:
    document = await _document(open_served)

    listed = {operation["operationId"] for methods in document["paths"].values() for operation in methods.values()}
    described = {
        response["description"]
        for methods in document["paths"].values()
        for operation in methods.values()
        for status, response in operation["responses"].items()
        if status >= "400"
    }
    kinds = document["components"]["schemas"]["ProblemDetails"]["properties"]["type"]["enum"]
    assert listed == {operation.id for operation in OPERATIONS}
    assert set(kinds) == {f"/problems/{slug}" for slug in PROBLEMS} | {"about:blank"}
    assert {slug for slug in PROBLEMS if not any(f"`{slug}`" in text for text in described)} == {"method-not-allowed"}


async def test_the_openapi_document_gives_the_types_and_limits_of_parameters(open_served: OpenServed) -> None:
    document = await _document(open_served)

    parameters = {item["name"]: item for item in document["paths"]["/api/v1/runs"]["get"]["parameters"]}
    page = {item["name"]: item for item in document["paths"]["/api/v1/runs/{run_id}/log"]["get"]["parameters"]}
    events = {item["name"]: item for item in document["paths"]["/api/v1/runs/{run_id}/events"]["get"]["parameters"]}
    assert events["after"]["schema"] == events["Last-Event-ID"]["schema"] == {"type": "integer", "minimum": 0}
    assert parameters["limit"]["schema"] == {"type": "integer", "minimum": 1, "maximum": 1000, "default": 50}
    assert parameters["status"]["schema"]["items"]["enum"][0] == "cancelled"
    assert page["level"]["schema"]["enum"] == ["debug", "error", "info", "warning"]
    assert page["after"]["schema"]["type"] == "integer"
    assert all(item["description"] for item in [*parameters.values(), *page.values()])


async def test_the_front_page_is_html(open_served: OpenServed) -> None:
    async with open_served() as served:
        response = await served.client.get("/")

    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "Solorun" in response.text


async def test_the_metrics_are_imported_off_the_event_loop(
    open_served: OpenServed, monkeypatch: pytest.MonkeyPatch
) -> None:
    importing: list[threading.Thread] = []

    class Finder:
        """Called for every module that is not imported yet."""

        @staticmethod
        def find_spec(name: str, *_: Any) -> None:
            if name == "solorun.api.metrics":
                importing.append(threading.current_thread())

    async with open_served() as served:
        monkeypatch.delitem(sys.modules, "solorun.api.metrics", raising=False)
        monkeypatch.setattr(sys, "meta_path", [Finder, *sys.meta_path])

        assert (await served.client.get("/metrics")).status_code == 200

    assert len(importing) == 1
    assert importing[0] is not threading.current_thread()
