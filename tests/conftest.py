"""What holds for every test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.fakes.bytecode import keep_bytecode

# How long an example takes, to make or to try, says something of the machine, not of the code. Each test has a time
# limit of its own.
settings.register_profile("solorun", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("solorun")


@pytest.fixture(scope="session", autouse=True)
def compiled_once(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Hundreds of services are started here: they compile what they import once. The cache goes with the session."""
    keep_bytecode(tmp_path_factory.mktemp("bytecode"))


@pytest.fixture(scope="session", autouse=True)
def nobodys_own_data_is_written() -> Iterator[None]:
    """A service whose data directory a test forgets to name would keep its runs in the working directory."""
    before = _data_directories()
    yield
    assert _data_directories() == before


def _data_directories() -> set[Path]:
    return {path for pattern in (".solorun", "docs/samples/*/.solorun") for path in Path.cwd().glob(pattern)}
