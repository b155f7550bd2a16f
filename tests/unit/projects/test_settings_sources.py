"""Flags override variables, which override the file; some settings require a token."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from solorun.errors import ConfigurationInvalid
from solorun.projects import resolve_settings
from solorun.settings import Settings

SECRET_KEY = "8b1f0d4c7a9e2635f0c1d2e3b4a59687"
TOKEN = "01d3b567f9a2c4e8"

Resolve = Callable[..., Settings]


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
def find_errors(resolve: Resolve) -> Callable[..., dict[str, str]]:
    def find_errors(**sources: Mapping[str, Any]) -> dict[str, str]:
        with pytest.raises(ConfigurationInvalid) as caught:
            resolve(**sources)
        return {error.pointer: error.message for error in caught.value.errors}

    return find_errors


def test_all_settings_have_defaults(resolve: Resolve, tmp_path: Path) -> None:
    assert resolve() == Settings(data_dir=tmp_path / "file" / ".solorun")


def test_settings_come_from_the_file(resolve: Resolve, tmp_path: Path) -> None:
    service = {
        "host": "0.0.0.0",
        "port": 80,
        "data_dir": "../data",
        "allowed_hosts": ["Runs.Example.org.", "2001:DB8:0::1"],
        "public_url": "https://runs.example.org/solorun/",
        "shutdown_limit": "1m",
        "max_streams": 10,
    }

    settings = resolve(service, {"SOLORUN_TOKEN": TOKEN})

    assert settings == Settings(
        host="0.0.0.0",
        port=80,
        data_dir=tmp_path / "file" / "../data",
        allowed_hosts=("runs.example.org", "[2001:db8::1]"),
        public_url="https://runs.example.org/solorun",
        token=TOKEN,
        shutdown_limit_seconds=60.0,
        max_streams=10,
    )
    assert settings.root_path == "/solorun"


def test_settings_come_from_variables(resolve: Resolve, tmp_path: Path) -> None:
    environ = {
        "SOLORUN_HOST": "LOCALHOST",
        "SOLORUN_PORT": " 80 ",
        "SOLORUN_DATA_DIR": "data",
        "SOLORUN_ALLOWED_HOSTS": "a.example, b.example ,",
        "SOLORUN_PUBLIC_URL": "http://a.example",
        "SOLORUN_TOKEN": f" {TOKEN}\n",
        "SOLORUN_DATABASE_URL": "postgresql://db.example/solorun",
        "SOLORUN_SECRET_KEY": f"{SECRET_KEY}\n",
        "SOLORUN_ARTIFACT_STORE": "s3://artifacts/solorun/",
        "SOLORUN_SHUTDOWN_LIMIT": "5s",
    }

    assert resolve({}, environ) == Settings(
        host="localhost",
        port=80,
        data_dir=tmp_path / "cwd" / "data",
        allowed_hosts=("a.example", "b.example"),
        public_url="http://a.example",
        token=TOKEN,
        database_url="postgresql://db.example/solorun",
        secret_key=SECRET_KEY,
        artifact_store="s3://artifacts/solorun",
        shutdown_limit_seconds=5.0,
    )


@pytest.mark.parametrize(
    ("key", "in_file", "variable", "flag", "values"),
    [
        ("host", "127.0.0.1", "localhost", "[::1]", ("127.0.0.1", "localhost", "::1")),
        ("port", 1, "2", 0, (1, 2, 0)),
        ("public_url", "http://localhost/1", "http://localhost/2", "http://[::1]/3", None),
        ("allowed_hosts", ["localhost"], "127.0.0.1", ["::1"], (("localhost",), ("127.0.0.1",), ("[::1]",))),
    ],
)
def test_flags_override_variables_which_override_the_file(
    resolve: Resolve, key: str, in_file: object, variable: str, flag: object, values: tuple[object, ...] | None
) -> None:
    service, environ = {key: in_file}, {f"SOLORUN_{key.upper()}": variable}

    resolved = (
        getattr(resolve(service), key),
        getattr(resolve(service, environ), key),
        getattr(resolve(service, environ, {key: flag}), key),
    )

    assert resolved == (values or (in_file, variable, flag))


def test_a_relative_directory_starts_where_it_was_written(resolve: Resolve, tmp_path: Path) -> None:
    service, environ, flags = {"data_dir": "a"}, {"SOLORUN_DATA_DIR": "b"}, {"data_dir": Path("c")}

    assert resolve(service).data_dir == tmp_path / "file" / "a"
    assert resolve(service, environ).data_dir == tmp_path / "cwd" / "b"
    assert resolve(service, environ, flags).data_dir == tmp_path / "cwd" / "c"


def test_empty_variables_and_flags_are_ignored(resolve: Resolve) -> None:
    settings = resolve({"port": 5}, {"SOLORUN_PORT": "", "SOLORUN_HOST": " "}, {"port": None, "host": None})

    assert (settings.host, settings.port) == ("127.0.0.1", 5)


def test_an_unknown_flag_is_a_bug_of_the_caller(resolve: Resolve) -> None:
    with pytest.raises(TypeError, match="no such settings: colour"):
        resolve({}, {}, {"colour": "red"})


def test_errors_have_the_flag_the_variable_or_the_key(
    find_errors: Callable[..., dict[str, str]],
) -> None:
    errors = find_errors(
        service={"public_url": "nowhere"},
        environ={"SOLORUN_PORT": "http", "SOLORUN_SHUTDOWN_LIMIT": "1 minute"},
        flags={"data_dir": ""},
    )

    assert errors == {
        "SOLORUN_PORT": 'expected a whole number from 0 to 65535, got "http"',
        "--data-dir": "is empty",
        "service.public_url": 'expected http:// or https:// and a host, like "https://runs.example.org/solorun"',
        "SOLORUN_SHUTDOWN_LIMIT": '"1 minute" is not a duration; write it like "30s", "20m" or "1h30m"',
    }


@pytest.mark.parametrize("port", ["-1", "65536", "80.0", "٨٠", "9" * 5000])
def test_an_invalid_port_is_refused(find_errors: Callable[..., dict[str, str]], port: str) -> None:
    assert "expected a whole number" in find_errors(environ={"SOLORUN_PORT": port})["SOLORUN_PORT"]


def test_a_variable_that_is_not_utf_8_can_still_be_shown(find_errors: Callable[..., dict[str, str]]) -> None:
    message = find_errors(environ={"SOLORUN_HOST": "\udcff"})["SOLORUN_HOST"]

    assert message.encode() == b'"\\udcff" is not a host; write a name or an address like "127.0.0.1"'


def test_a_variable_that_kubernetes_sets_is_explained(find_errors: Callable[..., dict[str, str]]) -> None:
    assert "enableServiceLinks" in find_errors(environ={"SOLORUN_PORT": "tcp://10.0.0.1:8700"})["SOLORUN_PORT"]


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
    resolve: Resolve, find_errors: Callable[..., dict[str, str]], sources: dict[str, dict[str, Any]], pointer: str
) -> None:
    errors = find_errors(**sources)

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
def test_a_weak_token_is_refused_and_not_shown(find_errors: Callable[..., dict[str, str]], value: str) -> None:
    errors = find_errors(service={"host": "0.0.0.0"}, environ={"SOLORUN_TOKEN": value})

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


def test_an_empty_secret_key_is_an_error(find_errors: Callable[..., dict[str, str]]) -> None:
    errors = find_errors(environ={"SOLORUN_SECRET_KEY": ""})

    assert errors == {"SOLORUN_SECRET_KEY": "the secret key is empty; `openssl rand -hex 32` generates a good one"}


def test_an_unreadable_token_file_is_the_only_error(find_errors: Callable[..., dict[str, str]], tmp_path: Path) -> None:
    errors = find_errors(service={"host": "0.0.0.0", "token_file": "absent"})

    assert errors == {
        "service.token_file": f"the token file {tmp_path}/file/absent cannot be read: No such file or directory"
    }


def write_token(file: Path, token: str) -> None:
    file.write_text(token + "\n")
    file.chmod(0o600)


@pytest.mark.parametrize("sources", [{"service": {"require_token": True}}, {"environ": {"SOLORUN_REQUIRE_TOKEN": "1"}}])
def test_a_required_token_must_be_set(find_errors: Callable[..., dict[str, str]], sources: dict[str, Any]) -> None:
    ((pointer, message),) = find_errors(**sources).items()

    assert pointer in ("service.require_token", "SOLORUN_REQUIRE_TOKEN")
    assert "so a token is required" in message


@pytest.mark.parametrize("environ", [{"SOLORUN_REQUIRE_TOKEN": "false"}, {"SOLORUN_TOKEN": TOKEN}])
def test_a_token_that_is_set_or_not_required_is_no_error(resolve: Resolve, environ: dict[str, str]) -> None:
    assert resolve({"require_token": True}, environ).token == environ.get("SOLORUN_TOKEN")


def test_require_token_is_true_or_false(find_errors: Callable[..., dict[str, str]]) -> None:
    assert "expected true or false" in find_errors(environ={"SOLORUN_REQUIRE_TOKEN": "maybe"})["SOLORUN_REQUIRE_TOKEN"]


def test_runs_are_left_to_workers_only_with_a_shared_database(resolve: Resolve, find_errors: Any) -> None:
    url = "postgresql://localhost/solorun"

    errors = find_errors(service={"execute_runs": False})

    assert list(errors) == ["service.execute_runs"]
    assert not resolve({"execute_runs": False, "database_url": url}).execute_runs
    assert not resolve({"database_url": url}, {"SOLORUN_EXECUTE_RUNS": "false"}).execute_runs


def test_a_shared_directory_starts_at_the_directory_of_the_file(resolve: Resolve, tmp_path: Path) -> None:
    assert resolve({"shared_dir": "shared"}).shared_dir == tmp_path / "file" / "shared"
