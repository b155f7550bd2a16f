"""The token and the secret key: where they come from, and when a token is required."""

from pathlib import Path
from typing import Any

import pytest

from tests.unit.projects.conftest import FindSettingErrors, Resolve

SECRET_KEY = "8b1f0d4c7a9e2635f0c1d2e3b4a59687"
TOKEN = "01d3b567f9a2c4e8"


@pytest.mark.parametrize(
    ("sources", "pointer"),
    [
        ({"service": {"host": "0.0.0.0"}}, "service.host"),
        ({"environ": {"SOLORUN_HOST": "::"}}, "SOLORUN_HOST"),
        ({"flags": {"host": "192.168.0.2"}}, "--host"),
        ({"flags": {"host": "127.1"}}, "--host"),
        ({"service": {"allowed_hosts": ["localhost", "runs.example.org"]}}, "service.allowed_hosts"),
        ({"environ": {"SOLORUN_ALLOWED_HOSTS": "a.b"}}, "SOLORUN_ALLOWED_HOSTS"),
        ({"service": {"public_url": "https://runs.example.org"}}, "service.public_url"),
    ],
)
def test_a_service_reachable_from_other_machines_needs_a_token(
    resolve: Resolve, find_setting_errors: FindSettingErrors, sources: dict[str, dict[str, Any]], pointer: str
) -> None:
    errors = find_setting_errors(**sources)

    assert list(errors) == [pointer]
    assert "a token is required" in errors[pointer]
    assert "SOLORUN_TOKEN_FILE" in errors[pointer]
    assert resolve(**{**sources, "environ": {**sources.get("environ", {}), "SOLORUN_TOKEN": TOKEN}}).token == TOKEN


@pytest.mark.parametrize(
    "service",
    [
        {"host": "localhost"},
        {"host": "::1"},
        {"host": "[::1]"},
        {"allowed_hosts": []},
        {"allowed_hosts": ["localhost", "127.0.0.1", "::1"]},
        {"public_url": "http://localhost:8700/solorun"},
        {"public_url": "http://[::1]:8700"},
    ],
)
def test_a_service_on_loopback_needs_no_token(resolve: Resolve, service: dict[str, object]) -> None:
    assert resolve(service).token is None


@pytest.mark.parametrize(
    "value", ["", "   ", "hunter2", "two words of enough length", "ünicode-of-enough-length", "x" * 1025]
)
def test_a_weak_token_is_refused_and_not_shown(find_setting_errors: FindSettingErrors, value: str) -> None:
    errors = find_setting_errors(service={"host": "0.0.0.0"}, environ={"SOLORUN_TOKEN": value})

    assert list(errors) == ["SOLORUN_TOKEN"]
    assert errors["SOLORUN_TOKEN"].startswith("the token ")
    assert not value.strip() or value not in errors["SOLORUN_TOKEN"]


def test_the_token_is_never_part_of_a_repr(resolve: Resolve) -> None:
    assert TOKEN not in repr(resolve({}, {"SOLORUN_TOKEN": TOKEN}))


def test_a_relative_token_file_starts_where_it_was_written(resolve: Resolve, tmp_path: Path) -> None:
    write_token(tmp_path / "file" / "token", "token-named-in-the-file")
    write_token(tmp_path / "cwd" / "token", "token-named-elsewhere")
    service, environ, flags = {"token_file": "token"}, {"SOLORUN_TOKEN_FILE": "token"}, {"token_file": Path("token")}

    assert resolve(service).token == "token-named-in-the-file"
    assert resolve({}, environ).token == "token-named-elsewhere"
    assert resolve({}, {}, flags).token == "token-named-elsewhere"


def test_a_token_file_flag_overrides_the_variable_which_overrides_other_files(resolve: Resolve, tmp_path: Path) -> None:
    write_token(tmp_path / "cwd" / "token", "token-from-a-file")
    environ = {"SOLORUN_TOKEN": TOKEN, "SOLORUN_TOKEN_FILE": "token"}

    assert resolve({"token_file": "absent"}, environ).token == TOKEN
    assert resolve({}, environ, {"token_file": "token"}).token == "token-from-a-file"


def test_the_variable_with_the_secret_key_overrides_its_file(resolve: Resolve, tmp_path: Path) -> None:
    write_token(tmp_path / "file" / "key", SECRET_KEY[::-1])

    assert resolve({"secret_key_file": "key"}).secret_key == SECRET_KEY[::-1]
    assert resolve({"secret_key_file": "key"}, {"SOLORUN_SECRET_KEY": SECRET_KEY}).secret_key == SECRET_KEY
    assert resolve({}).secret_key is None


def test_an_empty_secret_key_is_an_error(find_setting_errors: FindSettingErrors) -> None:
    errors = find_setting_errors(environ={"SOLORUN_SECRET_KEY": ""})

    assert errors == {"SOLORUN_SECRET_KEY": "the secret key is empty; `openssl rand -hex 32` generates a good one"}


def test_an_unreadable_token_file_is_the_only_error(find_setting_errors: FindSettingErrors, tmp_path: Path) -> None:
    errors = find_setting_errors(service={"host": "0.0.0.0", "token_file": "absent"})

    assert errors == {
        "service.token_file": f"the token file {tmp_path}/file/absent cannot be read: No such file or directory"
    }


def write_token(file: Path, token: str) -> None:
    file.write_text(token + "\n")
    file.chmod(0o600)


@pytest.mark.parametrize("sources", [{"service": {"require_token": True}}, {"environ": {"SOLORUN_REQUIRE_TOKEN": "1"}}])
def test_a_required_token_must_be_set(find_setting_errors: FindSettingErrors, sources: dict[str, Any]) -> None:
    ((pointer, message),) = find_setting_errors(**sources).items()

    assert pointer in ("service.require_token", "SOLORUN_REQUIRE_TOKEN")
    assert "so a token is required" in message


@pytest.mark.parametrize("environ", [{"SOLORUN_REQUIRE_TOKEN": "false"}, {"SOLORUN_TOKEN": TOKEN}])
def test_a_token_that_is_set_or_not_required_is_no_error(resolve: Resolve, environ: dict[str, str]) -> None:
    assert resolve({"require_token": True}, environ).token == environ.get("SOLORUN_TOKEN")


def test_require_token_is_true_or_false(find_setting_errors: FindSettingErrors) -> None:
    assert (
        "expected true or false"
        in find_setting_errors(environ={"SOLORUN_REQUIRE_TOKEN": "maybe"})["SOLORUN_REQUIRE_TOKEN"]
    )
