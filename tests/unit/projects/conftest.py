"""Factories for configuration files. Modules that a test imports are removed from sys.modules afterwards."""

import logging
import os
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from solorun.errors import ConfigurationInvalid
from solorun.projects import catalog, loader, resolve_settings
from solorun.projects.configuration import Configuration
from solorun.projects.loader import check_document
from solorun.settings import Settings
from tests.unit.projects.schema import accepts, can_be_found, describe_faults

Resolve = Callable[..., Settings]
FindSettingErrors = Callable[..., dict[str, str]]


@pytest.fixture(autouse=True)
def _forget_imports(tmp_path: Path) -> Iterator[None]:
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
    """The configuration of a text, as if it were solorun.toml in the test's directory. The schema has to accept it."""

    def check(text: str) -> Configuration:
        configuration = check_document(tmp_path / "solorun.toml", dedent(text).encode())
        assert describe_faults(tomllib.loads(dedent(text))) == []
        return configuration

    return check


@pytest.fixture
def find_errors(check: Callable[[str], Configuration]) -> Callable[[str], dict[str, str]]:
    """The errors of an invalid text: message by pointer. The schema has to find those that it can express."""

    def find_errors(text: str) -> dict[str, str]:
        with pytest.raises(ConfigurationInvalid) as caught:
            check(text)
        errors = {error.pointer: error.message for error in caught.value.errors}
        expressible = [str(error) for error in caught.value.errors if can_be_found(error.pointer, error.message)]
        assert not (expressible and accepts(tomllib.loads(dedent(text)))), f"the schema misses {expressible}"
        return errors

    return find_errors


@pytest.fixture
def rewrite(write: Callable[[str, str], Path]) -> Callable[[str], Path]:
    """Write solorun.toml with a new modification time, however quickly one version follows another."""
    ages = iter(range(1_000_000_000, 1_000_001_000))

    def rewrite(text: str) -> Path:
        file = write("solorun.toml", text)
        age = next(ages)
        os.utime(file, (age, age))
        return file

    return rewrite


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """A list that grows with each check of the file."""
    seen: list[Path] = []
    real = loader.check_document

    def counted(path: Path, data: bytes) -> object:
        seen.append(path)
        return real(path, data)

    monkeypatch.setattr(catalog, "check_document", counted)
    return seen


@pytest.fixture
def errors(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """The messages logged so far as warnings or worse."""
    caplog.set_level(logging.INFO, "solorun.projects")
    return lambda: [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.fixture
def resolve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Resolve:
    """Resolve with the file in `file/` and the working directory at `cwd/`."""
    (tmp_path / "file").mkdir()
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")

    def resolve(
        service: Mapping[str, object] | None = None,
        environ: Mapping[str, str] | None = None,
        flags: Mapping[str, Any] | None = None,
    ) -> Settings:
        return resolve_settings(service or {}, environ or {}, flags or {}, base_dir=tmp_path / "file")

    return resolve


@pytest.fixture
def find_setting_errors(resolve: Resolve) -> FindSettingErrors:
    """The errors of settings: message by flag, variable or key."""

    def find_setting_errors(**sources: Mapping[str, Any]) -> dict[str, str]:
        with pytest.raises(ConfigurationInvalid) as caught:
            resolve(**sources)
        return {error.pointer: error.message for error in caught.value.errors}

    return find_setting_errors
