"""A project with hooks, and the senders of its deliveries."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from itertools import count
from typing import Any

import httpx

from tests.fakes.application import Served
from tests.fakes.project_toml import project_toml

GITHUB, STANDARD, SHARED = "It's a Secret to Everybody", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "glpat-of-the-hook"
ENVIRON = {"GH": f"{GITHUB}\n", "STANDARD": f"whsec_{STANDARD}", "SHARED": SHARED}
PUSH = "/hooks/site/push"
BODY = {"ref": "refs/heads/main", "after": "6dcb09b5", "forced": False}
TOML = project_toml(
    "site",
    {"build": ["true"]},
    params={"ref": {"pattern": "refs/heads/.*"}},
    hooks={
        "push": {
            "secret": "$GH",
            "verify": "github",
            "params": {"ref": "/ref"},
            "when": {'"/forced"': False},
            "events": ["push", "create"],
        },
        "any": {"secret": "$GH", "verify": "github"},
        "queue": {"secret": "$SHARED", "verify": "token", "on_conflict": "queue"},
        "join": {"secret": "$SHARED", "verify": "token", "on_conflict": "join"},
        "event": {"secret": "$STANDARD", "verify": "standard", "events": ["release"]},
        "unset": {"secret": "$UNSET", "verify": "token"},
    },
) + project_toml("site-*", {"build": ["true"]}, hooks={"push": {"secret": "$GH", "verify": "github"}})


ids = count(1)


def sign(body: bytes, secret: str = GITHUB) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


async def deliver(
    served: Served,
    path: str = PUSH,
    body: dict[str, Any] | bytes = b"{}",
    *,
    delivery: str | None = None,
    event: str = "push",
    headers: Mapping[str, str] | None = None,
) -> httpx.Response:
    """Send a delivery as GitHub does."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    github = {
        "content-type": "application/json",
        "x-github-event": event,
        "x-github-delivery": delivery or f"72d3162e-{next(ids)}",
        "x-hub-signature-256": sign(content),
    }
    return await served.client.post(path, content=content, headers={**github, **(headers or {})})


async def run_ids(served: Served) -> list[int]:
    return [run.id for run in await served.service.store.list_runs()]
