"""Clients of a real service."""

import asyncio

import httpx

from solorun import RunClient
from tests.fakes.running_service import ServedService

LIMIT_SECONDS = 60
"""For what has to come about: a slow machine takes its time."""


def http(service: ServedService) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=service.api, timeout=LIMIT_SECONDS, trust_env=False, verify=False)


def open_client(service: ServedService, *, token: str | None = None) -> httpx.Client:
    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    return httpx.Client(base_url=service.api, headers=headers, timeout=LIMIT_SECONDS, trust_env=False)


async def until_logged(client: RunClient, run_id: int, beginning: str) -> str:
    """Wait for a message that begins like this, and return it."""
    async with asyncio.timeout(LIMIT_SECONDS):
        async for record in client.follow(run_id):
            if record.message.startswith(beginning):
                return record.message
    raise AssertionError(f"{beginning!r} was never logged")
