"""Factories for files to be read; what a test imports is forgotten after it."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from solorun.errors import ConfigurationInvalid
from solorun.projects.configuration import Configuration
from solorun.projects.document import check_document


@pytest.fixture(autouse=True)
def _forgotten_imports(tmp_path: Path) -> Iterator[None]:
    before = list(sys.path)
    yield
    sys.path[:] = before
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    """Write a file below the test's directory: `write("a/steps.py", "...")`."""

    def write(name: str, text: str) -> Path:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text), encoding="utf-8")
        return file

    return write


@pytest.fixture
def check(tmp_path: Path) -> Callable[[str], Configuration]:
    """The configuration that a text comes to, as if it were the test directory's solorun.toml."""

    def check(text: str) -> Configuration:
        return check_document(tmp_path / "solorun.toml", dedent(text).encode())

    return check


@pytest.fixture
def find_faults(check: Callable[[str], Configuration]) -> Callable[[str], dict[str, str]]:
    """The faults of a text: message by pointer. The text must have some."""

    def find_faults(text: str) -> dict[str, str]:
        with pytest.raises(ConfigurationInvalid) as caught:
            check(text)
        return {fault.pointer: fault.message for fault in caught.value.faults}

    return find_faults
