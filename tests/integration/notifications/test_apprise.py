"""Sending through Apprise, to a real mail server."""

import asyncio
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Final

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from solorun.notification import NotifyEvent, NotifyTarget, TargetKind
from solorun.notifications.apprise import AppriseSender
from solorun.notifications.not_delivered import NotDelivered

LIMIT_SECONDS: Final = 60.0


class Mailbox:
    """Handles the mails of a server."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 OK"


def target(*, allow_private: bool = True) -> NotifyTarget:
    return NotifyTarget("ops", TargetKind.APPRISE, "$OPS_URL", allow_private=allow_private)


async def send(port: int, *, allow_private: bool = True) -> None:
    url = f"mailto://localhost:{port}?from=solorun@example.org&to=ops@example.org&mode=insecure"
    sender = AppriseSender({"OPS_URL": url}, max_seconds=LIMIT_SECONDS)
    await sender.send(target(allow_private=allow_private), NotifyEvent.FAILED, "etl failed: Größe", "Run 7\n\n    line")


async def test_a_mail_has_the_title_and_the_text() -> None:
    mailbox = Mailbox()
    loop = asyncio.get_running_loop()
    smtp = await loop.create_server(lambda: SMTP(mailbox, loop=loop), "127.0.0.1", 0)
    port = smtp.sockets[0].getsockname()[1]

    async with smtp:
        await send(port)
        with pytest.raises(NotDelivered, match="is a private address; set allow_private"):
            await send(port, allow_private=False)

    (mail,) = mailbox.mails
    body = mail.get_body(preferencelist=("plain", "html"))
    assert body is not None
    assert mail["subject"] == "etl failed: Größe"
    assert body.get_content().replace("\xa0", " ").splitlines()[:3] == ["Run 7", "", "    line"]


async def test_a_url_that_apprise_does_not_know_is_a_failure() -> None:
    sender = AppriseSender({"OPS_URL": "nothing://hunter2"}, max_seconds=LIMIT_SECONDS)

    with pytest.raises(NotDelivered, match="its URL is none that Apprise knows"):
        await sender.send(target(), NotifyEvent.TEST, "a", "b")


async def test_a_service_that_takes_too_long_is_a_failure() -> None:
    sender = AppriseSender({"OPS_URL": "json://127.0.0.1:1"}, max_seconds=0.01)

    with pytest.raises(NotDelivered, match=r"timed out after 0\.01 s"):
        await sender.send(target(), NotifyEvent.TEST, "a", "b")


async def test_the_process_of_a_service_that_hangs_is_killed() -> None:
    accepted, closed = asyncio.Event(), asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted.set()
        await reader.read()
        writer.close()
        closed.set()

    async with await asyncio.start_server(hang, "127.0.0.1", 0) as server, asyncio.timeout(LIMIT_SECONDS):
        port = server.sockets[0].getsockname()[1]
        sender = AppriseSender({"OPS_URL": f"json://127.0.0.1:{port}?rto=600&cto=600"}, max_seconds=LIMIT_SECONDS)
        sending = asyncio.create_task(sender.send(target(), NotifyEvent.TEST, "a", "b"))
        await accepted.wait()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending

        await closed.wait()
