"""Every response that an operation can give is in the OpenAPI document."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from solorun.api.openapi import document
from solorun.api.routes import OPERATIONS
from solorun.api.state import State
from solorun.errors import StoreUnavailable
from solorun.http.operation import Operation
from solorun.store import Outbox, RetentionStore, RunStore, ScheduleStore, WorkerStore
from tests.fakes.application import BEARER, TOKEN, TOML, OpenServed, Served

DOCUMENT = document(OPERATIONS)
VALUES = {
    "run_id": "1",
    "project": "deploy",
    "name": "report.txt",
    "slug": "internal",
    "delivery_id": "1",
    "target": "ops",
    "schedule": "deploy.nightly",
    "worker": "red-1",
}
QUERIES = {"followAllRuns": "?follow=1:0"}
NOTIFYING = (
    TOML
    + '[notify.ops]\napprise = "$OPS_URL"\n'
    + '[[projects.deploy.schedules]]\nname = "nightly"\ncron = "0 3 * * *"\n'
)
METHODS = {**vars(RunStore), **vars(Outbox), **vars(RetentionStore), **vars(ScheduleStore), **vars(WorkerStore)}
CHECKED = [operation for operation in OPERATIONS if not operation.verifies_itself]
"""The others decide by what a request contains: see test_hooks.py."""
READERS = [operation for operation in CHECKED if StoreUnavailable in operation.problems]
OTHERS = [operation for operation in CHECKED if StoreUnavailable not in operation.problems]
STORE_METHODS = [
    "open_backup",
    *(name for name, value in METHODS.items() if callable(value) and not name.startswith("_")),
]


def ids(operation: object) -> str:
    return operation.id if isinstance(operation, Operation) else str(operation)


def path_of(operation: Operation[State]) -> str:
    path = re.sub(r"\{(\w+)(?::\w+)?\}", lambda match: VALUES[match[1]], operation.path)
    return path + QUERIES.get(operation.id, "")


def documented(operation: Operation[State], status: int) -> str:
    """The description of this status in the document."""
    path = re.sub(r":\w+\}", "}", operation.path)
    description: str = DOCUMENT["paths"][path][operation.method.lower()]["responses"][str(status)]["description"]
    return description


@contextmanager
def broken_store(served: Served) -> Iterator[None]:
    """Makes every method of the service's store fail."""

    async def fail(*_: object, **__: object) -> None:
        raise StoreUnavailable

    with pytest.MonkeyPatch.context() as patch:
        for name in STORE_METHODS:
            patch.setattr(served.service.store, name, fail)
        # A service that is alone knows its only worker without the store.
        patch.setattr(type(served.service), "shares_database", True)
        yield


@pytest.mark.parametrize("operation", READERS, ids=ids)
async def test_an_operation_that_uses_the_store_documents_that_it_may_be_unavailable(
    open_served: OpenServed, operation: Operation[State]
) -> None:
    async with open_served(toml=NOTIFYING) as served:
        run = await served.complete()
        await served.until(lambda: served.service.hub.find(run.id) is None)
        with broken_store(served):
            response = await served.client.request(operation.method, path_of(operation))

    assert (response.status_code, response.json()["type"]) == (503, "/problems/store-unavailable")
    assert "`store-unavailable`" in documented(operation, 503)


@pytest.mark.parametrize("operation", OTHERS, ids=ids)
async def test_the_other_operations_work_without_the_store(
    open_served: OpenServed, operation: Operation[State]
) -> None:
    async with open_served(token=TOKEN, headers=BEARER) as served:
        with broken_store(served):
            response = await served.client.request(operation.method, path_of(operation))

    assert response.status_code < 500
    assert documented(operation, response.status_code)


@pytest.mark.parametrize(
    ("headers", "status", "slug"),
    [
        ({"host": "evil.example"}, 403, "host-not-allowed"),
        ({"via": "1.1 proxy"}, 403, "token-required"),
        ({"content-length": "1048577"}, 413, "too-large"),
    ],
)
@pytest.mark.parametrize("operation", CHECKED, ids=ids)
async def test_a_request_that_any_operation_refuses_is_documented_by_each(
    open_served: OpenServed, operation: Operation[State], headers: dict[str, str], status: int, slug: str
) -> None:
    async with open_served() as served:
        response = await served.client.request(operation.method, path_of(operation), headers=headers)

    assert (response.status_code, response.json()["type"]) == (status, f"/problems/{slug}")
    assert f"`{slug}`" in documented(operation, status)


@pytest.mark.parametrize("operation", CHECKED, ids=ids)
async def test_an_unknown_query_parameter_is_documented_as_invalid(
    open_served: OpenServed, operation: Operation[State]
) -> None:
    async with open_served() as served:
        response = await served.client.request(operation.method, path_of(operation).partition("?")[0] + "?nothing=1")

    assert (response.status_code, response.json()["type"]) == (422, "/problems/invalid-request")
    assert "`invalid-request`" in documented(operation, 422)


@pytest.mark.parametrize("operation", [one for one in CHECKED if not one.public], ids=ids)
async def test_a_protected_operation_documents_that_it_needs_a_token(
    open_served: OpenServed, operation: Operation[State]
) -> None:
    async with open_served(token=TOKEN) as served:
        response = await served.client.request(operation.method, path_of(operation))

    assert (response.status_code, response.json()["type"]) == (401, "/problems/unauthorized")
    assert "`unauthorized`" in documented(operation, 401)


@pytest.mark.parametrize("operation", [one for one in CHECKED if one.method != "GET"], ids=ids)
async def test_a_write_documents_that_other_sites_are_refused(
    open_served: OpenServed, operation: Operation[State]
) -> None:
    async with open_served(token=TOKEN, headers=BEARER) as served:
        headers = {"sec-fetch-site": "cross-site"}
        response = await served.client.request(operation.method, path_of(operation), headers=headers)

    assert (response.status_code, response.json()["type"]) == (403, "/problems/cross-origin")
    assert "`cross-origin`" in documented(operation, 403)


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if one.body or one.form], ids=ids)
async def test_an_operation_with_a_body_documents_its_media_type(
    open_served: OpenServed, operation: Operation[State]
) -> None:
    async with open_served(token=TOKEN, headers=BEARER) as served:
        response = await served.client.post(path_of(operation), content=b"x", headers={"content-type": "text/csv"})

    assert (response.status_code, response.json()["type"]) == (415, "/problems/unsupported-media-type")
    assert "`unsupported-media-type`" in documented(operation, 415)
