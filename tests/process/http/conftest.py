"""Fixtures of the tests that talk to the server over a socket."""

from pathlib import Path

import pytest

from tests.fakes.http_server import OpenServer, make_open_server


@pytest.fixture
def open_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OpenServer:
    return make_open_server(tmp_path, monkeypatch)
