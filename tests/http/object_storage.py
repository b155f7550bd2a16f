"""A service whose artifacts are in a bucket."""

from datetime import timedelta
from typing import Any

import pytest
from obstore.store import MemoryStore

from solorun.artifacts import bucket
from tests.fakes.application import Served
from tests.fakes.s3_server import ENVIRON


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Those of a service whose bucket is in memory."""
    objects = MemoryStore()
    monkeypatch.setattr(bucket, "open_bucket", lambda url, environ: objects)
    return {"artifact_store": "s3://solorun", "environ": ENVIRON}


async def messages(served: Served, run_id: int, level: str = "warning") -> list[str]:
    answer = await served.client.get(f"/api/v1/runs/{run_id}/log", params={"level": level})
    return [record["message"] for record in answer.json()["records"]]


async def names(served: Served, run_id: int) -> list[str]:
    answer = await served.client.get(f"/api/v1/runs/{run_id}/artifacts")
    assert answer.status_code == 200, answer.text
    return [artifact["name"] for artifact in answer.json()["artifacts"]]


def runs_with_files(served: Served) -> list[str]:
    """Those that have an artifact directory on this machine."""
    return sorted(entry.name for entry in (served.service.directory.path / "artifacts").iterdir())


@pytest.fixture
def unreachable(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setitem(bucket.RETRIES, "retry_timeout", timedelta(milliseconds=50))
    return {"artifact_store": "s3://solorun", "environ": {**ENVIRON, "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}}
