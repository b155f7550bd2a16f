"""Notifications over HTTP: targets, deliveries, and what a failed run sends."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Final

import msgspec
from standardwebhooks.webhooks import Webhook

from solorun.projects import Catalog
from solorun.record import Level, Stream
from tests.fakes.application import OpenServed, Served
from tests.fakes.patience import PATIENT_LIMITS
from tests.fakes.project_toml import project_toml
from tests.fakes.webhook_receiver import Receiver, receiving

SECRET: Final = "whsec_" + b64encode(bytes(range(32))).decode()
PUBLIC: Final = "http://localhost:8700"
LIMITS: Final = replace(PATIENT_LIMITS, notifier_poll_seconds=0.01)


def toml(receiver: Receiver) -> str:
    return (
        project_toml("etl", {"load": ["true"]}, notify=["crm"], secrets=["API_KEY"])
        + project_toml("quiet", {"load": ["true"]})
        + f'[notify.crm]\nwebhook = "{receiver.url}"\nsecret = "$HOOK_SECRET"\nallow_private = true\n'
        + 'on = ["failed", "recovered", "completed"]\n'
        + '[notify.ops]\napprise = "$OPS_URL"\n'
    )


@asynccontextmanager
async def notifying(open_served: OpenServed, receiver: Receiver, **environ: str) -> AsyncIterator[Served]:
    """An application whose project etl notifies the receiver."""
    variables = {"HOOK_SECRET": SECRET, **environ}
    async with open_served(toml=toml(receiver), environ=variables, limits=LIMITS, public_url=PUBLIC) as served:
        yield served


async def test_the_attempts_of_a_target_are_counted_from_zero(open_served: OpenServed) -> None:
    """Prometheus sees no increase in a series that begins with 1: the first one would raise no alert."""
    async with receiving() as receiver, notifying(open_served, receiver) as served:
        metrics = (await served.client.get("/metrics")).text

    assert {line for line in metrics.splitlines() if line.startswith("solorun_deliveries_total")} == {
        f'solorun_deliveries_total{{outcome="{outcome}",target="{target}"}} 0.0'
        for outcome in ("delivered", "failed", "given_up")
        for target in ("crm", "ops")
    }


async def fail(served: Served, *lines: str, project: str = "etl") -> int:
    run_id, step = await served.begin(project, "load")
    await step.context.output.write("load", Stream.STDERR, list(lines), level=Level.ERROR)
    step.end("exited with code 1")
    await served.end_of(run_id)
    return run_id


async def get(served: Served, path: str) -> Any:
    response = await served.client.get(f"/api/v1{path}")
    assert response.status_code == 200, response.text
    return response.json()


async def finished(served: Served, delivery_id: int, *, attempts: int = 1) -> Any:
    async with asyncio.timeout(60):
        while (found := await get(served, f"/deliveries/{delivery_id}"))["attempt_count"] < attempts:
            await asyncio.sleep(0.005)
    return found


async def test_a_failed_run_sends_a_signed_message_with_its_last_errors_masked(open_served: OpenServed) -> None:
    async with (
        receiving() as receiver,
        notifying(open_served, receiver, API_KEY="hunter2hunter2") as served,
    ):
        run_id = await fail(served, "connecting", "wrong key hunter2hunter2", "giving up")
        (received,) = await receiver.wait_for(1)
        delivery = await finished(served, 1)

    Webhook(SECRET).verify(received.body, received.headers)
    event = msgspec.json.decode(received.body)
    assert event["data"]["title"] == "etl failed: load: exited with code 1"
    assert event["data"]["error_lines"] == ["connecting", "wrong key ***", "giving up"]
    assert event["data"]["url"] == f"{PUBLIC}/runs/{run_id}"
    assert b"hunter2" not in received.body
    assert (delivery["status"], delivery["payload"]) == ("delivered", event)


async def test_a_project_recovers_once(open_served: OpenServed) -> None:
    async with receiving() as receiver, notifying(open_served, receiver) as served:
        await fail(served)
        await served.complete("etl", "load")
        await served.complete("etl", "load")
        received = await receiver.wait_for(3)

    types = {msgspec.json.decode(one.body)["type"] for one in received}
    assert types == {"solorun.run.failed", "solorun.run.recovered", "solorun.run.completed"}


async def test_a_project_without_targets_sends_nothing(open_served: OpenServed) -> None:
    async with receiving() as receiver, notifying(open_served, receiver) as served:
        await fail(served, project="quiet")
        await fail(served)
        await receiver.wait_for(1)

        page = await get(served, "/deliveries")

    assert [delivery["project"] for delivery in page["deliveries"]] == ["etl"]


async def test_deliveries_are_listed_by_page_and_selected(open_served: OpenServed) -> None:
    async with receiving() as receiver, notifying(open_served, receiver) as served:
        runs = [await fail(served) for _ in range(3)]
        first = await get(served, "/deliveries?limit=2")
        rest = await get(served, f"/deliveries?limit=2&cursor={first['next_cursor']}")
        of_run = await get(served, f"/deliveries?run_id={runs[0]}&target=crm&project=etl")
        of_other = await get(served, "/deliveries?target=ops")
        bad = await served.client.get("/api/v1/deliveries?cursor=MTp4")
        unknown = await served.client.get("/api/v1/deliveries?status=lost")

    assert [delivery["run_id"] for delivery in (*first["deliveries"], *rest["deliveries"])] == runs[::-1]
    assert rest["next_cursor"] is None
    assert [delivery["run_id"] for delivery in of_run["deliveries"]] == [runs[0]]
    assert of_other["deliveries"] == []
    assert (bad.status_code, unknown.status_code) == (400, 422)


async def test_a_delivery_is_sent_again(open_served: OpenServed) -> None:
    answers = ("204 No Content", "500 Internal Server Error")
    async with (
        receiving(*answers) as receiver,
        notifying(open_served, receiver) as served,
    ):
        await fail(served)
        await finished(served, 1)

        response = await served.client.post("/api/v1/deliveries/1/redeliver")
        again = await finished(served, 1, attempts=2)

    first, second = receiver.received
    assert (response.status_code, response.json()["status"]) == (202, "pending")
    assert [attempt["error"] for attempt in again["attempts"]] == [None, "answered 500"]
    assert again["status"] == "pending"
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]


async def test_a_test_message_is_sent_like_any_other(open_served: OpenServed) -> None:
    async with (
        receiving() as receiver,
        notifying(open_served, receiver) as served,
    ):
        response = await served.client.post("/api/v1/notify/crm/test")
        (received,) = await receiver.wait_for(1)

    event = msgspec.json.decode(received.body)
    assert response.status_code == 202
    assert (event["type"], event["source"]) == ("solorun.run.test", f"{PUBLIC}/api/v1/notify/crm")
    assert event["data"]["title"].startswith("Test: ")


async def test_a_target_without_its_variable_fails_and_says_so(open_served: OpenServed) -> None:
    async with receiving() as receiver, notifying(open_served, receiver) as served:
        delivery = (await served.client.post("/api/v1/notify/ops/test")).json()
        failed = await finished(served, delivery["id"])
        targets = (await get(served, "/notify"))["targets"]

    assert failed["attempts"][0]["error"] == "the variable OPS_URL is not set"
    crm, ops = targets
    assert (crm["name"], crm["kind"], crm["projects"], crm["missing_variables"]) == ("crm", "webhook", ["etl"], [])
    assert (crm["pending_count"], crm["last_delivery"], crm["allow_private"]) == (0, None, True)
    assert (ops["missing_variables"], ops["pending_count"], ops["projects"]) == (["OPS_URL"], 1, [])
    assert ops["last_delivery"]["id"] == delivery["id"]
    assert receiver.url not in str(targets)


async def test_an_apprise_target_is_sent_to_by_apprise(open_served: OpenServed) -> None:
    async with receiving() as receiver, notifying(open_served, receiver, OPS_URL="nothing://hunter2") as served:
        delivery = (await served.client.post("/api/v1/notify/ops/test")).json()
        failed = await finished(served, delivery["id"])

    assert failed["attempts"][0]["error"] == "its URL is none that Apprise knows"


async def test_what_does_not_exist_is_not_found(open_served: OpenServed) -> None:
    async with open_served() as served:
        answers = [
            await served.client.get("/api/v1/deliveries/1"),
            await served.client.post("/api/v1/deliveries/99999999999999999999/redeliver"),
            await served.client.post("/api/v1/notify/crm/test"),
        ]

    slugs = [answer.json()["type"].rpartition("/")[2] for answer in answers]
    assert [answer.status_code for answer in answers] == [404] * 3
    assert slugs == ["delivery-not-found", "delivery-not-found", "notify-target-not-found"]


async def test_a_delivery_to_a_target_that_is_no_longer_declared_is_not_sent_again(open_served: OpenServed) -> None:
    async with receiving() as receiver, notifying(open_served, receiver) as served:
        await fail(served)
        await finished(served, 1)
        catalog = served.service.catalog
        assert isinstance(catalog, Catalog)
        catalog.path.write_text(project_toml("etl", {"load": ["true"]}))
        await catalog.refresh()

        response = await served.client.post("/api/v1/deliveries/1/redeliver")

    assert (response.status_code, response.json()["type"]) == (404, "/problems/notify-target-not-found")


async def test_projects_and_metrics_show_notifications(open_served: OpenServed) -> None:
    async with receiving() as receiver, notifying(open_served, receiver) as served:
        await fail(served)
        await finished(served, 1)
        project = await get(served, "/projects/etl")
        await served.until(lambda: bool(served.service.notifier.count_attempts()["crm", "delivered"]))
        metrics = (await served.client.get("/metrics")).text

    assert project["notify"] == ["crm"]
    assert 'solorun_deliveries_total{outcome="delivered",target="crm"} 1.0' in metrics
