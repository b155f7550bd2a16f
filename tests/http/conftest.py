"""Fixtures of the tests that call the application without a socket."""

from pathlib import Path

import pytest

from tests.fakes.application import OpenServed, make_open_served


@pytest.fixture
def open_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OpenServed:
    return make_open_served(tmp_path, monkeypatch)
