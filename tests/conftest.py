"""What holds for every test."""

import os
import sys

import pytest
from hypothesis import settings

# How long one example takes says something of the machine, not of the code. Each test has a time limit of its own.
settings.register_profile("solorun", deadline=None)
settings.load_profile("solorun")


@pytest.fixture(scope="session", autouse=True)
def compiled_once(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Where Python is told to leave no bytecode (containers do), each process would compile every library again.

    That is half of what a service's start costs, and hundreds are started here. The cache goes with the session.
    """
    if sys.dont_write_bytecode:
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = str(tmp_path_factory.mktemp("bytecode"))
