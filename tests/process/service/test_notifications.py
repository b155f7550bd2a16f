"""Notifications of a real service: kill -9 between the end of a run and its delivery, and the commands."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import pytest
from standardwebhooks.webhooks import Webhook

from solorun.cli import main
from tests.fakes.project_toml import project_toml
from tests.fakes.running_service import ServedService, served
from tests.fakes.webhook_receiver import HANG, Receiver, receiving

SECRET: Final = "whsec_" + b64encode(bytes(range(32))).decode()


@asynccontextmanager
async def serving(directory: Path, receiver: Receiver) -> AsyncIterator[ServedService]:
    toml = project_toml("etl", {"load": ["sh", "-c", "echo no space left >&2; exit 3"]}, notify=["crm"]) + (
        f'[notify.crm]\nwebhook = "{receiver.url}"\nsecret = "$HOOK_SECRET"\nallow_private = true\n'
        '[notify.ops]\napprise = "$OPS_URL"\n'
    )
    manager = served(directory, toml, HOOK_SECRET=SECRET)
    service = await asyncio.to_thread(manager.__enter__)
    try:
        yield service
    finally:
        await asyncio.to_thread(manager.__exit__, None, None, None)


Run = Callable[..., Awaitable[tuple[int, str]]]


@pytest.fixture
def solorun(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command against a service, in this process. Returns its exit code and its output."""

    async def run(service: ServedService, *arguments: str) -> tuple[int, str]:
        code = await asyncio.to_thread(main, [*arguments, "--url", service.url])
        return code, capsys.readouterr().out

    return run


async def test_a_kill_between_the_end_and_the_delivery_loses_no_notification(tmp_path: Path, solorun: Run) -> None:
    async with receiving(HANG, "204 No Content") as receiver, serving(tmp_path, receiver) as service:
        failed = await solorun(service, "start", "etl", "--follow")
        await receiver.wait_for(1)
        await asyncio.to_thread(service.kill)
        await asyncio.to_thread(service.start)
        first, second = await receiver.wait_for(2)

    assert failed[0] == 1
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    Webhook(SECRET).verify(second.body, second.headers)
    assert b"no space left" in second.body


async def test_the_commands_list_deliveries_and_send_them_again(tmp_path: Path, solorun: Run) -> None:
    answers = ("204 No Content", "503 Service Unavailable", "204 No Content")
    async with receiving(*answers) as receiver, serving(tmp_path, receiver) as service:
        empty = await solorun(service, "deliveries")
        await solorun(service, "start", "etl", "--follow")
        await receiver.wait_for(1)
        refused = await solorun(service, "redeliver", "1")
        sent = await solorun(service, "redeliver", "1")
        listed = await solorun(service, "deliveries", "--project", "etl")
        selection = ("--target", "crm", "--status", "delivered", "--run", "1")
        as_json = await solorun(service, "deliveries", "--json", *selection)
        targets = await solorun(service, "notify")
        untested = await solorun(service, "notify", "--test", "ops")
        unknown = await solorun(service, "notify", "--test", "nothing")

    assert empty == (0, "No deliveries.\n")
    assert refused == (1, "Delivery 1 to crm failed: answered 503\n")
    assert sent == (0, "Delivery 1 to crm: delivered\n")
    assert listed[1].splitlines()[1].split()[:5] == ["1", "crm", "failed", "etl", "1"]
    assert '"attempt_count":3' in as_json[1].replace(" ", "")
    assert targets[1].splitlines()[1].split()[:2] == ["crm", "webhook"]
    assert "ops: the variable OPS_URL is not set in the service's environment." in targets[1]
    assert untested == (1, "Delivery 2 to ops failed: the variable OPS_URL is not set\n")
    assert unknown[0] == 6
