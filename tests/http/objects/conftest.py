"""Services whose artifacts are in a bucket."""

from datetime import timedelta
from typing import Any

import pytest
from obstore.store import MemoryStore

from solorun.artifacts import bucket
from tests.fakes.s3_server import ENVIRON


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Those of a service whose bucket is in memory."""
    objects = MemoryStore()
    monkeypatch.setattr(bucket, "open_bucket", lambda url, environ: objects)
    return {"artifact_store": "s3://solorun", "environ": ENVIRON}


@pytest.fixture
def unreachable(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setitem(bucket.RETRIES, "retry_timeout", timedelta(milliseconds=50))
    return {"artifact_store": "s3://solorun", "environ": {**ENVIRON, "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}}
