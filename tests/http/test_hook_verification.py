"""Who may deliver to a hook, in which ways, and what stays secret."""

import asyncio
import logging
import time
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from standardwebhooks import Webhook

from solorun.errors import StoreUnavailable
from tests.fakes.application import BEARER, TOKEN, OpenServed, Served
from tests.http.hook_senders import BODY, ENVIRON, GITHUB, SHARED, STANDARD, TOML, deliver, run_ids


async def send_standard(served: Served, body: bytes, *, message: str, at: int) -> httpx.Response:
    """Send a delivery that the library of Standard Webhooks has signed."""
    signature = Webhook(STANDARD).sign(message, datetime.fromtimestamp(at, UTC), body.decode())
    headers = {"webhook-id": message, "webhook-timestamp": str(at), "webhook-signature": signature}
    return await served.client.post("/hooks/site/event", content=body, headers=headers)


async def test_a_token_starts_runs_that_queue_join_and_repeat_by_key(open_served: OpenServed) -> None:
    bearer = {"authorization": f"Bearer {SHARED}"}
    async with open_served(toml=TOML, environ=ENVIRON) as served:
        started = await served.client.post("/hooks/site/queue", headers={"x-gitlab-token": SHARED})
        joined = await served.client.post("/hooks/site/join", headers=bearer)
        queued = await served.client.post("/hooks/site/queue", headers={**bearer, "idempotency-key": "a"})
        again = await served.client.post("/hooks/site/queue", headers={**bearer, "idempotency-key": "a"})

    outcomes = [(each.status_code, each.json()["outcome"]) for each in (started, joined, queued, again)]
    assert outcomes == [(201, "started"), (200, "joined"), (202, "queued"), (200, "repeated")]
    assert joined.json()["run_id"] == started.json()["run_id"]
    assert again.json()["run_id"] == queued.json()["run_id"]


async def test_a_delivery_of_standard_webhooks_starts_one_run_and_only_in_time(open_served: OpenServed) -> None:
    body, now = b'{"type": "release"}', int(time.time())
    async with open_served(toml=TOML, environ=ENVIRON, token=TOKEN) as served:
        late = await send_standard(served, body, message="msg_1", at=now - 400)
        early = await send_standard(served, body, message="msg_1", at=now + 400)
        other = await send_standard(served, b'{"type": "issue"}', message="msg_1", at=now)
        first = await send_standard(served, body, message="msg_1", at=now)
        again = await send_standard(served, body, message="msg_1", at=now + 1)
        runs = await run_ids(served)

    assert [answer.status_code for answer in (late, early, other, first, again)] == [401, 401, 200, 201, 200]
    assert (first.json()["event"], again.json()["outcome"]) == ("release", "repeated")
    assert runs == [first.json()["run_id"]]


async def test_the_id_of_a_delivery_is_no_idempotency_key_of_the_api(open_served: OpenServed) -> None:
    async with open_served(toml=TOML, environ=ENVIRON) as served:
        first = await deliver(served, body=BODY, delivery="one")
        (await served.executor.step("build")).end()
        await served.end_of(first.json()["run_id"])
        key = {"Idempotency-Key": "one"}
        started = await served.client.post("/api/v1/projects/site/runs", headers=key)

    assert (started.status_code, started.json()["replayed"]) == (201, False)


async def test_a_delivery_needs_no_origin_and_no_token_but_a_known_host(open_served: OpenServed) -> None:
    foreign = {"origin": "https://evil.example", "sec-fetch-site": "cross-site", "x-forwarded-for": "1.2.3.4"}
    async with open_served(toml=TOML, environ=ENVIRON, token=TOKEN) as served:
        refused = await deliver(served, body=BODY, headers={**foreign, "host": "evil.example"})
        started = await deliver(served, body=BODY, headers=foreign)

    assert (refused.status_code, started.status_code) == (403, 201)


async def test_a_service_without_a_token_takes_deliveries_from_a_proxy(open_served: OpenServed) -> None:
    async with open_served(toml=TOML, environ=ENVIRON) as served:
        assert (await deliver(served, body=BODY, headers={"x-forwarded-for": "1.2.3.4"})).status_code == 201


@pytest.mark.parametrize("path", ["/hooks/site/push/", "/hooks/site", "/hooks//push/x", "/hooks/site/push/x", "/hooks"])
async def test_a_path_that_resembles_a_hook_needs_the_token(open_served: OpenServed, path: str) -> None:
    async with open_served(toml=TOML, environ=ENVIRON, token=TOKEN) as served:
        answer = await deliver(served, path, body=BODY)

    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/unauthorized")


async def test_a_body_over_the_limit_is_refused(open_served: OpenServed) -> None:
    async with open_served(toml=TOML, environ=ENVIRON) as served:
        assert (await deliver(served, body=b" " * (2**20 + 1))).status_code == 413


async def test_projects_of_a_pattern_have_their_own_addresses_up_to_the_limit(open_served: OpenServed) -> None:
    async with open_served(toml=TOML, environ=ENVIRON, max_projects_per_pattern=1) as served:
        first = await deliver(served, "/hooks/site-a/push")
        second = await deliver(served, "/hooks/site-b/push")

    assert (first.status_code, second.status_code) == (201, 409)
    assert second.json()["type"] == "/problems/too-many-projects"


async def test_wrong_deliveries_are_answered_slowly_once_there_are_many(open_served: OpenServed) -> None:
    async with open_served(toml=TOML, environ=ENVIRON, failure_delay_seconds=600) as served:
        answers = [await deliver(served, "/hooks/site/none") for _ in range(10)]
        slow = asyncio.ensure_future(deliver(served, "/hooks/site/none"))
        started = await deliver(served, body=BODY)
        is_waiting = not slow.done()
        slow.cancel()

    assert {answer.status_code for answer in answers} == {401}
    assert (started.status_code, is_waiting) == (201, True)


async def test_a_project_lists_its_hooks_with_their_last_delivery(open_served: OpenServed) -> None:
    async with open_served(
        toml=TOML, environ=ENVIRON, token=TOKEN, public_url="https://localhost/solorun", headers=BEARER
    ) as served:
        started = await deliver(served, body=BODY)
        await deliver(served, "/hooks/site/any", event="ping")
        await deliver(served, "/hooks/site/any", body=BODY)
        project = (await served.client.get("/api/v1/projects/site")).json()
        listed = (await served.client.get("/api/v1/projects")).json()["projects"]

    hooks = {hook["name"]: hook for hook in project["hooks"]}
    assert listed[0]["hooks"] == project["hooks"]
    assert hooks["push"] == {
        "name": "push",
        "path": "/solorun/hooks/site/push",
        "verify": "github",
        "last_delivery": started.json(),
    }
    assert hooks["any"]["last_delivery"]["outcome"] == "refused"
    assert hooks["event"]["last_delivery"] is None


async def test_no_secret_of_a_hook_is_shown_logged_or_stored(
    open_served: OpenServed, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with open_served(toml=TOML, environ=ENVIRON) as served:
        answers = [
            await deliver(served, body=BODY),
            await deliver(served, "/hooks/site/queue", headers={"authorization": f"Bearer {SHARED}"}),
            await deliver(served, "/hooks/site/queue", headers={"authorization": f"Bearer {SHARED}x"}),
            await served.client.get("/api/v1/projects"),
            await served.client.get("/api/v1/runs"),
        ]

    shown = "".join([caplog.text, *(answer.text for answer in answers)]).encode()
    stored = b"".join(file.read_bytes() for file in (tmp_path / "data").glob("solorun.db*"))
    assert not [secret for secret in (GITHUB, STANDARD, SHARED) if secret.encode() in shown + stored]


async def test_a_step_cannot_print_the_secret_of_a_hook(open_served: OpenServed) -> None:
    async with open_served(toml=TOML, environ=ENVIRON) as served:
        run = await served.complete("site", "build", [f"the secret is {SHARED}"])
        page = await served.client.get(f"/api/v1/runs/{run.id}/log")

    assert SHARED not in page.text
    assert "the secret is ***" in page.text


async def test_a_hook_that_the_file_gains_works_without_a_restart(open_served: OpenServed, tmp_path: Path) -> None:
    async with open_served(toml=TOML.replace('"$GH"', '"$OTHER"'), environ=ENVIRON) as served:
        before = await deliver(served, body=BODY)
        (tmp_path / "solorun.toml").write_text(TOML)
        after = await deliver(served, body=BODY)

    assert (before.status_code, after.status_code) == (401, 201)


async def test_a_hook_documents_its_answers(open_served: OpenServed, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise StoreUnavailable

    async with open_served(toml=TOML, environ=ENVIRON) as served:
        answers = [
            await deliver(served, body=BODY),
            await deliver(served, body=BODY),
            await deliver(served, "/hooks/site/queue", headers={"authorization": f"Bearer {SHARED}"}),
            await deliver(served, event="ping"),
            await deliver(served, body=b"{"),
            await deliver(served, "/hooks/site/none"),
            await deliver(served, headers={"host": "evil.example"}),
            await deliver(served, headers={"content-length": "1048577"}),
        ]
        monkeypatch.setattr(served.service.store, "record_delivery", fail)
        answers.append(await deliver(served, event="ping"))
        document = (await served.client.get("/openapi.json")).json()

    operation = document["paths"]["/hooks/{project}/{hook}"]["post"]
    statuses = [answer.status_code for answer in answers]
    assert statuses == [201, 409, 202, 200, 422, 401, 403, 413, 503]
    assert operation["security"] == []
    assert {str(status) for status in statuses} <= operation["responses"].keys()
    slugs = [(str(answer.status_code), answer.json()["type"].rpartition("/")[2]) for answer in answers[4:]]
    assert [slug for status, slug in slugs if f"`{slug}`" not in operation["responses"][status]["description"]] == []
