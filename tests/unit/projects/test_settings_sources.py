"""Flags override variables, which override the file."""

from pathlib import Path

import pytest

from solorun.settings import Settings
from tests.unit.projects.conftest import FindSettingErrors, Resolve

SECRET_KEY = "8b1f0d4c7a9e2635f0c1d2e3b4a59687"
TOKEN = "01d3b567f9a2c4e8"


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


def test_errors_have_the_flag_the_variable_or_the_key(find_setting_errors: FindSettingErrors) -> None:
    errors = find_setting_errors(
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
def test_an_invalid_port_is_refused(find_setting_errors: FindSettingErrors, port: str) -> None:
    assert "expected a whole number" in find_setting_errors(environ={"SOLORUN_PORT": port})["SOLORUN_PORT"]


def test_a_variable_that_is_not_utf_8_can_still_be_shown(find_setting_errors: FindSettingErrors) -> None:
    message = find_setting_errors(environ={"SOLORUN_HOST": "\udcff"})["SOLORUN_HOST"]

    assert message.encode() == b'"\\udcff" is not a host; write a name or an address like "127.0.0.1"'


def test_a_variable_that_kubernetes_sets_is_explained(find_setting_errors: FindSettingErrors) -> None:
    assert "enableServiceLinks" in find_setting_errors(environ={"SOLORUN_PORT": "tcp://10.0.0.1:8700"})["SOLORUN_PORT"]


def test_runs_are_left_to_workers_only_with_a_shared_database(
    resolve: Resolve, find_setting_errors: FindSettingErrors
) -> None:
    url = "postgresql://localhost/solorun"

    errors = find_setting_errors(service={"execute_runs": False})

    assert list(errors) == ["service.execute_runs"]
    assert not resolve({"execute_runs": False, "database_url": url}).execute_runs
    assert not resolve({"database_url": url}, {"SOLORUN_EXECUTE_RUNS": "false"}).execute_runs


def test_a_shared_directory_starts_at_the_directory_of_the_file(resolve: Resolve, tmp_path: Path) -> None:
    assert resolve({"shared_dir": "shared"}).shared_dir == tmp_path / "file" / "shared"
