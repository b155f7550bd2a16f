"""Sending to a webhook: what arrives, and what the sender does when the receiver misbehaves."""

import logging
from base64 import b64encode
from datetime import UTC, datetime
from time import time
from typing import Final

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from standardwebhooks.webhooks import Webhook

from solorun.notification import Delivery, DeliveryStatus, NotifyEvent, NotifyTarget, TargetKind
from solorun.notifications.cloud_event import encode_cloud_event
from solorun.notifications.message import Message
from solorun.notifications.not_delivered import NotDelivered
from solorun.notifications.webhook import WebhookSender
from tests.fakes.webhook_receiver import DIE, HANG, receiving

SECRET: Final = "whsec_" + b64encode(bytes(range(32))).decode()
NOW: Final = datetime(2026, 11, 29, 3, 0, tzinfo=UTC)
DELIVERY: Final = Delivery(1, "run-7-failed", "crm", NotifyEvent.FAILED, "etl", 7, DeliveryStatus.PENDING, "", NOW)
PAYLOAD: Final = encode_cloud_event(DELIVERY, Message("etl failed", "Größe"), None, public_url="https://runs.example")
ENVIRON: Final = {"HOOK_SECRET": SECRET, "HTTP_PROXY": "http://127.0.0.1:1", "http_proxy": "http://127.0.0.1:1"}


def target(url: str, *, allow_private: bool = True) -> NotifyTarget:
    return NotifyTarget("crm", TargetKind.WEBHOOK, url, secret="$HOOK_SECRET", allow_private=allow_private)


async def send(url: str, *, allow_private: bool = True, sender: WebhookSender | None = None) -> None:
    sender, to = sender or WebhookSender(ENVIRON), target(url, allow_private=allow_private)
    await sender.send(to, DELIVERY.message_id, PAYLOAD, timestamp=int(time()), trace={})


async def failure_of(url: str, *, allow_private: bool = True, sender: WebhookSender | None = None) -> NotDelivered:
    with pytest.raises(NotDelivered) as caught:
        await send(url, allow_private=allow_private, sender=sender)
    return caught.value


async def test_a_receiver_can_verify_the_signature_and_read_the_event() -> None:
    async with receiving() as receiver:
        await send(receiver.url)

    (received,) = receiver.received
    Webhook(SECRET).verify(received.body, received.headers)
    event = from_http_event(HTTPMessage(received.headers, received.body))
    assert received.path == "/hook?token=1"
    assert received.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert received.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    assert received.headers["webhook-id"] == event.get_id() == "run-7-failed"
    assert event.get_type() == "solorun.run.failed"
    assert event.get_source() == "https://runs.example/api/v1/projects/etl"
    assert event.get_subject() == "runs/7"
    assert event.get_time() == NOW
    data = event.get_data()
    assert isinstance(data, dict)
    assert (data["project"], data["title"], data["text"]) == ("etl", "etl failed", "Größe")


async def test_a_url_with_a_secret_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    async with receiving() as receiver:
        await send(receiver.url)

    assert "token=1" not in caplog.text


async def test_a_user_and_a_password_of_the_url_are_sent() -> None:
    async with receiving() as receiver:
        await send(receiver.url.replace("://", "://crm:hunter%402@"))

    (received,) = receiver.received
    assert received.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert received.headers["authorization"] == f"Basic {b64encode(b'crm:hunter@2').decode()}"


async def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")

    async with receiving() as receiver:
        await send(receiver.url)

    assert len(receiver.received) == 1


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("500 Internal Server Error", "answered 500"),
        ("302 Found\r\nlocation: http://169.254.169.254/", "answered 302; redirects are not followed"),
        (DIE, "the connection broke: Server disconnected without sending a response."),
    ],
)
async def test_any_other_answer_is_a_failure(answer: str, message: str) -> None:
    async with receiving(answer) as receiver:
        failure = await failure_of(receiver.url)

    assert str(failure) == message
    assert len(receiver.received) == 1


async def test_a_receiver_that_hangs_is_left() -> None:
    async with receiving(HANG) as receiver:
        failure = await failure_of(receiver.url, sender=WebhookSender(ENVIRON, max_seconds=0.5))

    assert str(failure) in ("timed out after 0.5 s", "did not answer")


@pytest.mark.parametrize(("after", "seconds"), [("120", 120), ("99999999", 3600), ("soon", 0)])
async def test_a_receiver_may_request_a_pause(after: str, seconds: float) -> None:
    async with receiving(f"503 Service Unavailable\r\nretry-after: {after}") as receiver:
        failure = await failure_of(receiver.url)

    assert failure.retry_after_seconds == seconds


async def test_a_private_address_is_refused_before_anything_is_sent() -> None:
    async with receiving() as receiver:
        url = receiver.url.replace("http:", "https:")
        by_address = await failure_of(url, allow_private=False)
        by_name = await failure_of(url.replace("127.0.0.1", "localhost"), allow_private=False)
        without_tls = await failure_of(receiver.url, allow_private=False)

    assert receiver.received == []
    assert "127.0.0.1 has a private address" in str(by_address)
    assert "localhost has a private address" in str(by_name)
    assert "http:// requires allow_private" in str(without_tls)


async def test_the_sender_connects_to_the_address_that_was_checked() -> None:
    asked = []

    async def resolve_host(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    async with receiving() as receiver:
        url = receiver.url.replace("127.0.0.1", "hooks.invalid")
        await send(url, sender=WebhookSender(ENVIRON, resolve_host=resolve_host))

    assert asked == ["hooks.invalid"]
    assert receiver.received[0].headers["host"] == f"hooks.invalid:{receiver.port}"


async def test_the_next_address_is_tried_if_one_does_not_answer() -> None:
    async def resolve_host(_host: str, _port: int) -> list[str]:
        return ["127.0.0.2", "127.0.0.1"]

    async with receiving() as receiver:
        await send(receiver.url, sender=WebhookSender(ENVIRON, resolve_host=resolve_host))

    assert len(receiver.received) == 1


async def test_a_receiver_that_is_down_is_a_failure() -> None:
    async with receiving() as receiver:
        url = receiver.url

    assert "could not connect" in str(await failure_of(url))


@pytest.mark.parametrize("url", ["ftp://hunter2.example", "http://hunter2.example:99999/", "http://hunter2\n/"])
async def test_a_variable_without_the_url_of_a_webhook_is_a_failure_that_does_not_show_it(url: str) -> None:
    failure = await failure_of("$HOOK_URL", sender=WebhookSender({**ENVIRON, "HOOK_URL": url}))

    assert "its URL is invalid" in str(failure)
    assert "hunter2" not in str(failure)


async def test_an_invalid_secret_is_a_failure_that_does_not_show_it() -> None:
    failure = await failure_of("http://127.0.0.1:1/", sender=WebhookSender({"HOOK_SECRET": "hunter2"}))

    assert str(failure).startswith("its secret is not a secret of Standard Webhooks")
    assert "hunter2" not in str(failure)
