"""Hooks: deliveries of webhooks over HTTP, genuine, forged, repeated and late."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from solorun.status import Status
from tests.fakes.application import TOKEN, OpenServed
from tests.http.hook_senders import BODY, ENVIRON, GITHUB, PUSH, TOML, deliver, run_ids, sign


async def test_a_genuine_delivery_starts_a_run_with_the_parameters_of_its_body(open_served: OpenServed) -> None:
    async with open_served(toml=TOML, environ=ENVIRON, token=TOKEN) as served:
        answer = await deliver(served, body=BODY)

        run = await served.service.store.get_run(answer.json()["run_id"])

    assert answer.status_code == 201
    assert (answer.json()["outcome"], answer.json()["event"]) == ("started", "push")
    assert (run.project, run.params, run.triggered_by) == ("site", {"ref": "refs/heads/main"}, "hook:push (push)")


async def test_the_example_of_githubs_documentation_starts_a_run(open_served: OpenServed) -> None:
    async with open_served(toml=TOML, environ=ENVIRON, token=TOKEN) as served:
        answer = await served.client.post(
            "/hooks/site/any",
            content=b"Hello, World!",
            headers={
                "x-github-delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
                "x-hub-signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
            },
        )

    assert answer.status_code == 201


async def test_a_form_of_github_starts_a_run_if_the_hook_reads_nothing_from_it(open_served: OpenServed) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    async with open_served(toml=TOML, environ=ENVIRON) as served:
        refused = await deliver(served, body=b"payload=%7B%7D", headers=form)
        started = await deliver(served, "/hooks/site/any", body=b"payload=%7B%7D", headers=form)

    assert (refused.status_code, started.status_code) == (422, 201)
    assert "content type application/json" in refused.json()["detail"]


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        (PUSH, {"x-hub-signature-256": sign(b"{}", "another secret")}),
        (PUSH, {"x-hub-signature-256": ""}),
        (PUSH, {"x-hub-signature-256": sign(b"{ }")}),
        (PUSH, {"authorization": f"Bearer {GITHUB}", "x-hub-signature-256": ""}),
        ("/hooks/site/none", {}),
        ("/hooks/none/push", {}),
        ("/hooks/site-a/none", {}),
        ("/hooks/site/queue", {"authorization": "Bearer wrong"}),
        ("/hooks/site/queue", {"authorization": f"Bearer {TOKEN}"}),
        ("/hooks/site/unset", {"authorization": "Bearer "}),
        ("/hooks/site/event", {}),
    ],
)
async def test_a_forged_delivery_and_an_unknown_hook_are_answered_alike(
    open_served: OpenServed, path: str, headers: dict[str, str]
) -> None:
    async with open_served(toml=TOML, environ=ENVIRON, token=TOKEN) as served:
        answer = await deliver(served, path, headers=headers)
        runs = await run_ids(served)

    assert runs == []
    assert answer.status_code == 401
    assert answer.json() == {
        "type": "/problems/delivery-not-verified",
        "title": "Delivery not verified",
        "status": 401,
        "detail": "There is no hook at this address, or the signature, the token or the time of the delivery is not"
        " valid.",
        "instance": path,
    }


async def test_a_repeated_delivery_is_answered_with_the_first_run(open_served: OpenServed) -> None:
    async with open_served(toml=TOML, environ=ENVIRON) as served:
        first = await deliver(served, body=BODY, delivery="one")
        (await served.executor.step("build")).end()
        await served.end_of(first.json()["run_id"])
        again = await deliver(served, body=BODY, delivery="one")
        other = await deliver(served, body=BODY, delivery="two")

    assert [answer.status_code for answer in (first, again, other)] == [201, 200, 201]
    assert (again.json()["outcome"], again.json()["run_id"]) == ("repeated", first.json()["run_id"])
    assert other.json()["run_id"] != first.json()["run_id"]


async def test_a_delivery_is_not_repeated_after_a_restart(open_served: OpenServed) -> None:
    async with open_served(toml=TOML, environ=ENVIRON) as served:
        first = await deliver(served, body=BODY, delivery="one")

    async with open_served(toml=TOML, environ=ENVIRON) as served:
        again = await deliver(served, body=BODY, delivery="one")
        runs = await run_ids(served)

    assert (again.status_code, again.json()["run_id"]) == (200, first.json()["run_id"])
    assert runs == [first.json()["run_id"]]


async def test_simultaneous_repetitions_start_one_run(open_served: OpenServed) -> None:
    async with open_served(toml=TOML, environ=ENVIRON) as served:
        answers = await asyncio.gather(*(deliver(served, body=BODY, delivery="one") for _ in range(20)))
        runs = await run_ids(served)

    assert len(runs) == 1
    assert sorted(answer.status_code for answer in answers) == [*[200] * 19, 201]


async def test_a_delivery_that_was_refused_can_be_sent_again(open_served: OpenServed) -> None:
    async with open_served(toml=TOML, environ=ENVIRON) as served:
        run_id, step = await served.begin("site", "build")
        refused = await deliver(served, body=BODY, delivery="one")
        step.end()
        await served.end_of(run_id)
        again = await deliver(served, body=BODY, delivery="one")

    assert (refused.status_code, again.status_code) == (409, 201)
    assert refused.json()["type"] == "/problems/hook-busy"
    assert "active_run" not in refused.json()


async def test_two_services_on_postgresql_start_one_run_for_a_delivery_and_none_for_a_forged_one(
    open_served: OpenServed, database_url: str, tmp_path: Path
) -> None:
    async with (
        open_served(toml=TOML, environ=ENVIRON, database_url=database_url) as served,
        open_served(toml=TOML, environ=ENVIRON, database_url=database_url, data_dir=tmp_path / "other") as other,
    ):
        forged = await deliver(served, body=BODY, headers={"x-hub-signature-256": sign(b"{}", "another secret")})
        started = await deliver(served, body=BODY, delivery="one")
        # Until it is running, another service cannot know whether the first start is confirmed.
        await served.until(lambda: served.service.manager.list_active_runs()[0].status is Status.RUNNING)
        replays = await asyncio.gather(*(deliver(each, body=BODY, delivery="one") for each in [served, other] * 5))
        (run,) = await other.service.store.list_runs()
        hooks = (await other.client.get("/api/v1/projects/site")).json()["hooks"]

    assert (forged.status_code, started.status_code) == (401, 201)
    assert (run.id, run.params) == (started.json()["run_id"], {"ref": "refs/heads/main"})
    assert [replay.status_code for replay in replays] == [200] * 10
    assert {replay.json()["run_id"] for replay in replays} == {run.id}
    assert [each["last_delivery"]["outcome"] for each in hooks if each["last_delivery"]] == ["repeated"]


@pytest.mark.parametrize("delivery", ["", "a b", "x" * 256])
async def test_a_signed_delivery_without_a_valid_id_is_refused(open_served: OpenServed, delivery: str) -> None:
    async with open_served(toml=TOML, environ=ENVIRON) as served:
        answer = await deliver(served, headers={"x-github-delivery": delivery})
        runs = await run_ids(served)

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "x-github-delivery")
    assert runs == []


@pytest.mark.parametrize(
    ("body", "event", "reason"),
    [
        (BODY, "ping", "A ping starts no run."),
        (BODY, "issues", 'The event "issues" is not among the hook\'s events.'),
        ({**BODY, "forced": True}, "push", "/forced is not False."),
        ({**BODY, "forced": 0}, "push", "/forced is not False."),
        ({}, "push", "/forced is not False."),
        ([], "push", "/forced is not False."),
    ],
)
async def test_a_delivery_that_the_hook_does_not_want_starts_no_run(
    open_served: OpenServed, body: Any, event: str, reason: str
) -> None:
    async with open_served(toml=TOML, environ=ENVIRON) as served:
        answer = await deliver(served, body=body, event=event)
        runs = await run_ids(served)

    assert answer.status_code == 200
    assert (answer.json()["outcome"], answer.json()["reason"]) == ("ignored", reason)
    assert runs == []


@pytest.mark.parametrize("ref", ["refs/tags/v1", 5, {"name": "main"}, ["refs/heads/main"], "\0", "\ud800"])
async def test_a_parameter_of_the_body_is_checked_like_any_other(open_served: OpenServed, ref: object) -> None:
    async with open_served(toml=TOML, environ=ENVIRON) as served:
        answer = await deliver(served, body={**BODY, "ref": ref})
        runs = await run_ids(served)

    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] in (["/ref"], [""])
    assert runs == []


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000, b'{"forced": false} {}'])
async def test_a_body_that_is_no_json_is_refused_or_ignored(open_served: OpenServed, body: bytes) -> None:
    async with open_served(toml=TOML, environ=ENVIRON) as served:
        answer = await deliver(served, body=body)
        runs = await run_ids(served)

    assert answer.status_code == (422 if body else 200)
    assert runs == []
