"""Parameters of a start over HTTP: declarations, typed values, errors with pointers, and secrets."""

from typing import Any, Final

import pytest

from tests.fakes.application import OpenServed
from tests.fakes.project_toml import project_toml

SECRET: Final = "correct horse battery"
PARAMS: Final = {
    "environment": {"type": "choice", "choices": ["staging", "production"], "default": "staging"},
    "version": {"required": True, "pattern": "v[0-9]+", "description": "The release"},
    "replicas": {"type": "integer", "min": 1, "max": 9},
    "ratio": {"type": "number"},
    "dry_run": {"type": "boolean"},
    "tags": {"type": "list"},
    "token": {"secret": True},
}
TOML: Final = project_toml("deploy", {"deploy": ["true"]}, params=PARAMS)
START: Final = "/api/v1/projects/deploy/runs"


async def test_the_parameters_of_a_project_are_listed_as_declared(open_served: OpenServed) -> None:
    async with open_served(toml=TOML + project_toml("team-*", {"a": ["true"]}, params=PARAMS)) as served:
        listed = (await served.client.get("/api/v1/projects")).json()
        project = (await served.client.get("/api/v1/projects/deploy")).json()

    assert listed["projects"][0]["params"] == listed["families"][0]["params"] == project["params"]
    assert [parameter["name"] for parameter in project["params"]] == list(PARAMS)
    assert project["params"][:2] == [
        {
            "name": "environment",
            "type": "choice",
            "required": False,
            "description": "",
            "default": "staging",
            "choices": ["staging", "production"],
            "secret": False,
            "pattern": None,
            "min": None,
            "max": None,
        },
        {
            "name": "version",
            "type": "string",
            "required": True,
            "description": "The release",
            "default": None,
            "choices": [],
            "secret": False,
            "pattern": "v[0-9]+",
            "min": None,
            "max": None,
        },
    ]


@pytest.mark.parametrize(
    "given",
    [
        {"version": "v1", "replicas": 3, "ratio": 0.5, "dry_run": True, "tags": ["a", "b"]},
        {"version": "v1", "replicas": "3", "ratio": "5e-1", "dry_run": "true", "tags": "a\nb", "environment": None},
    ],
    ids=["JSON", "text"],
)
async def test_a_run_has_typed_values_and_the_defaults(open_served: OpenServed, given: dict[str, Any]) -> None:
    async with open_served(toml=TOML) as served:
        started = await served.start("deploy", params=given)
        (await served.executor.step("deploy")).end()
        await served.end_of(started["id"])
        shown = (await served.client.get(f"/api/v1/runs/{started['id']}")).json()

    assert shown["params"] == started["params"]
    assert started["params"] == {
        "environment": "staging",
        "version": "v1",
        "replicas": 3,
        "ratio": 0.5,
        "dry_run": True,
        "tags": ["a", "b"],
    }


async def test_every_error_has_the_pointer_of_its_field(open_served: OpenServed) -> None:
    given = {"environment": "live", "replicas": 10, "ratio": {}, "dry_run": "yes", "tags": [1], "token": "1234"}
    async with open_served(toml=TOML) as served:
        response = await served.client.post(START, json={"scope": 1, "params": given, "colour": "red"})

    errors = {error["pointer"]: error["message"] for error in response.json()["errors"]}
    assert response.status_code == 422
    assert errors.keys() == {"/scope", "/colour", "/params/version", *(f"/params/{name}" for name in given)}
    assert errors["/params/environment"] == "must be one of staging, production"


@pytest.mark.parametrize(
    "value",
    [b"1e400", b"NaN", b"1" * 1_000_000, b"[" * 500 + b"]" * 500, b'"' + b"x" * 1_000_000 + b'"', b'"\\u0000"'],
    ids=["1e400", "NaN", "digits", "nested", "long", "NUL"],
)
@pytest.mark.parametrize("name", PARAMS)
async def test_a_hostile_value_is_refused(open_served: OpenServed, name: str, value: bytes) -> None:
    headers = {"content-type": "application/json"}
    async with open_served(toml=TOML) as served:
        body = b'{"params": {"%s": %s}}' % (name.encode(), value)
        response = await served.client.post(START, content=body, headers=headers)

    assert response.status_code == 422
    assert response.json()["errors"]
    assert len(response.content) < 2000


async def test_a_pattern_that_backtracks_elsewhere_does_not_block_the_service(open_served: OpenServed) -> None:
    toml = project_toml("deploy", {"deploy": ["true"]}, params={"text": {"pattern": "(a+)+b"}})
    async with open_served(toml=toml) as served:
        response = await served.client.post(START, json={"params": {"text": "a" * 4096}})

    assert response.json()["errors"] == [{"pointer": "/params/text", "message": "must match (a+)+b"}]


async def test_no_response_contains_a_secret_parameter(open_served: OpenServed) -> None:
    async with open_served(toml=TOML) as served:
        client = served.client
        first = await client.post(START, json={"params": {"version": SECRET, "token": SECRET}})
        second = await client.post(START, json={"params": {"version": "v1", "tags": [SECRET], "token": SECRET}})
        run_id = second.json()["id"]
        step = await served.executor.step("deploy")
        busy = await client.post(START, json={"params": {"version": "v1", "token": SECRET}})
        step.end(f"the server refused {SECRET}", 1)
        await served.end_of(run_id)
        pages = [
            await client.get(f"/api/v1{path}")
            for path in (
                f"/runs/{run_id}",
                f"/runs/{run_id}/log",
                f"/runs/{run_id}/log.txt",
                f"/runs/{run_id}/events",
                f"/runs/{run_id}/artifacts",
                "/runs",
                "/projects",
            )
        ]

    assert [first.status_code, second.status_code, busy.status_code] == [422, 201, 409]
    assert second.json()["params"] == {"environment": "staging", "version": "v1", "tags": ["***"], "token": "***"}
    assert pages[0].json()["error_message"] == "deploy: the server refused ***"
    assert [SECRET in response.text for response in (first, second, busy, *pages)] == [False] * 10
