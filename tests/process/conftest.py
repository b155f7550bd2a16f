"""Limits of the tests with real sockets."""

import pytest

from tests.fakes.patience import PATIENCE_SECONDS


@pytest.fixture(autouse=True)
def patient_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients in this process connect for longer than 5 s, in which a busy machine may not run them."""
    monkeypatch.setattr("solorun.client.transport.CONNECT_SECONDS", PATIENCE_SECONDS)
