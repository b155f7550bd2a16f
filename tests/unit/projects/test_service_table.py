"""Valid and invalid [service] tables."""

from collections.abc import Callable
from pathlib import Path

import pytest

from solorun.projects.configuration import Configuration

Check = Callable[[str], Configuration]
FindErrors = Callable[[str], dict[str, str]]

PROJECT = '\n[[projects.p.steps]]\nname = "only"\nrun = "true"\n'


def test_the_table_is_kept_as_written(check: Check) -> None:
    text = """
        [service]
        host = "0.0.0.0"
        port = 0
        data_dir = "data"
        allowed_hosts = ["runs.example.org", "10.0.0.7", "[2001:db8::1]"]
        public_url = "https://runs.example.org/solorun/"
        token_file = "token"
        shutdown_limit = "1m"
    """

    service = check(text + PROJECT.replace("\n", "\n        ")).service

    assert service == {
        "host": "0.0.0.0",
        "port": 0,
        "data_dir": "data",
        "allowed_hosts": ["runs.example.org", "10.0.0.7", "[2001:db8::1]"],
        "public_url": "https://runs.example.org/solorun/",
        "token_file": "token",
        "shutdown_limit": "1m",
    }


@pytest.mark.parametrize(
    ("line", "pointer", "words"),
    [
        ('hots = "x"', "hots", 'did you mean "host"?'),
        ('token = "hunter2"', "token", "put the token into a separate file"),
        ("host = 1", "host", "expected a string"),
        ('host = ""', "host", "is empty"),
        ('host = "0.0.0.0:8700"', "host", 'contains a port; set "port" instead'),
        ('host = "a b"', "host", "is not a host"),
        ('host = "http://x"', "host", "is not a host"),
        ('host = "-x"', "host", "is not a host"),
        ("port = true", "port", "expected a whole number from 0 to 65535, got true"),
        ("port = 65536", "port", "got 65536"),
        ("port = -1", "port", "got -1"),
        (f"port = 0x{'F' * 9000}", "port", "got a very large number"),
        ("port = 87.0", "port", "got 87.0"),
        ('port = "8700"', "port", 'got "8700"'),
        ('data_dir = "a-file"', "data_dir", "is not a directory"),
        ('database_url = "sqlite:///hunter2"', "database_url", "expected a PostgreSQL database"),
        ('database_url = "postgresql://solorun:@hunter2@db/solorun"', "database_url", "write %2F or %40"),
        ('database_url = "postgresql://solorun:hunter2/@db/solorun"', "database_url", "write %2F or %40"),
        ('artifact_store = "https://bucket.example"', "artifact_store", "expected a bucket"),
        ('artifact_store = "s3://Bucket"', "artifact_store", "expected a bucket"),
        ('artifact_store = "s3://bucket/a/../b"', "artifact_store", "expected a bucket"),
        (f'artifact_store = "s3://bucket/{"x" * 100}"', "artifact_store", "expected a bucket"),
        ('artifact_store = "s3://key:hunter2@bucket"', "artifact_store", "contains credentials"),
        ("data_dir = 1", "data_dir", "expected a string"),
        ('allowed_hosts = "x"', "allowed_hosts", "expected a list of host names"),
        ('allowed_hosts = ["*"]', "allowed_hosts[0]", "is a wildcard"),
        ('allowed_hosts = ["a.b", "a.b:80"]', "allowed_hosts[1]", "more than a host"),
        ('allowed_hosts = ["https://a.b/"]', "allowed_hosts[0]", "more than a host"),
        ('allowed_hosts = ["bücher.example"]', "allowed_hosts[0]", "xn--"),
        ('allowed_hosts = [".example.org"]', "allowed_hosts[0]", "is not a host name"),
        ('public_url = "runs.example.org"', "public_url", "expected http:// or https://"),
        ('public_url = "ftp://runs.example.org"', "public_url", "expected http:// or https://"),
        ('public_url = "https://"', "public_url", "and a host"),
        ('public_url = "https://a.b:0/"', "public_url", "expected http:// or https://"),
        ('public_url = "https://a.b:99999/"', "public_url", "is not a URL"),
        ('public_url = "https://[::1/"', "public_url", "is not a URL"),
        ('public_url = "https://a_-.b/"', "public_url", "is not a host name"),
        ('public_url = "https://a.b/?x=1"', "public_url", '"?" or "#"'),
        ('public_url = "https://a.b/#x"', "public_url", '"?" or "#"'),
        ('public_url = "https://a.b/x//y"', "public_url", "is not a plain path"),
        ('public_url = "https://a.b/x/../y"', "public_url", "is not a plain path"),
        ('public_url = "https://me:hunter2@a.b/"', "public_url", "contains a user or a password"),
        ('otlp_endpoint = "localhost:4317"', "otlp_endpoint", "expected the URL of an OTLP collector"),
        ('log_format = "xml"', "log_format", 'expected "text" or "json"'),
        ('token_file = ""', "token_file", "is empty"),
        ("shutdown_limit = 30", "shutdown_limit", "expected a duration"),
        ('shutdown_limit = "0s"', "shutdown_limit", "must be greater than zero"),
    ],
)
def test_an_error_has_its_key(find_errors: FindErrors, tmp_path: Path, line: str, pointer: str, words: str) -> None:
    (tmp_path / "a-file").touch()

    errors = find_errors(f"[service]\n{line}\n{PROJECT}")

    assert list(errors) == [f"service.{pointer}"]
    assert words in errors[f"service.{pointer}"]
    assert "hunter2" not in errors[f"service.{pointer}"]


def test_a_service_that_is_not_a_table_is_an_error(find_errors: FindErrors) -> None:
    assert find_errors(f"service = 1\n{PROJECT}") == {"service": "expected a table, got 1"}
