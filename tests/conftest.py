"""Settings and fixtures of every test."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, settings

from tests.fakes.bytecode import keep_bytecode
from tests.fakes.postgres import fresh_schema, serving_postgres
from tests.fakes.s3_server import S3Server, serving_s3

# The time an example takes depends on the machine, not on the code. Each test has its own time limit.
settings.register_profile("solorun", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("solorun")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # In the background of a script. Commands under test would inherit it, and ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)


MAX_PROCESSES: Final = 4
"""Each may start a browser and a PostgreSQL server."""


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """A test process per core and one more for the whole suite, since a third of the tests' time is waiting.

    Chosen tests and long trials run in one process, without xdist.
    """
    is_whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS and not config.getoption("collectonly")
    if not is_whole or config.getoption("--long", default=False):
        return 0
    return min((os.cpu_count() or 1) + 1, MAX_PROCESSES)


@pytest.fixture(scope="session", autouse=True)
def shared_bytecode_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The tests start hundreds of services, which compile their imports only once. The cache lasts for the session."""
    keep_bytecode(tmp_path_factory.mktemp("bytecode"))


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of a PostgreSQL server, which starts with the first test that needs it."""
    with serving_postgres() as url:
        yield url


@pytest.fixture
def database_url(postgres_url: str) -> Iterator[str]:
    """The URL of an empty PostgreSQL database."""
    with fresh_schema(postgres_url) as url:
        yield url


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """A server of the S3 protocol, which starts with the first test that needs it."""
    with serving_s3() as server:
        yield server


@pytest.fixture(scope="session", autouse=True)
def no_data_in_the_working_directory() -> Iterator[None]:
    """A service started without a data directory would store its runs in the working directory."""
    before = _data_directories()
    yield
    assert _data_directories() == before


def _data_directories() -> set[Path]:
    return {path for pattern in (".solorun", "docs/samples/*/.solorun") for path in Path.cwd().glob(pattern)}
