"""What the [service] table may say."""

from collections.abc import Callable
from pathlib import Path

import pytest

from solorun.projects.configuration import Configuration

Check = Callable[[str], Configuration]
FindFaults = Callable[[str], dict[str, str]]

PROJECT = '\n[[projects.p.steps]]\nname = "only"\nrun = "true"\n'


def test_the_table_is_kept_as_it_stands(check: Check) -> None:
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
        ('token = "hunter2"', "token", "does not belong in this file"),
        ("host = 1", "host", "wants a text in quotes"),
        ('host = ""', "host", "is empty"),
        ('host = "0.0.0.0:8700"', "host", 'holds a port: that goes into "port"'),
        ('host = "a b"', "host", "is not a host"),
        ('host = "http://x"', "host", "is not a host"),
        ('host = "-x"', "host", "is not a host"),
        ("port = true", "port", "wants a whole number from 0 to 65535, found true"),
        ("port = 65536", "port", "found the number 65536"),
        ("port = -1", "port", "found the number -1"),
        (f"port = 0x{'F' * 9000}", "port", "found a very large number"),
        ("port = 87.0", "port", "found the number 87.0"),
        ('port = "8700"', "port", 'found "8700"'),
        ('data_dir = "a-file"', "data_dir", "is not a directory"),
        ("data_dir = 1", "data_dir", "wants a text in quotes"),
        ('allowed_hosts = "x"', "allowed_hosts", "wants a list of host names"),
        ('allowed_hosts = ["*"]', "allowed_hosts[0]", "is a wildcard"),
        ('allowed_hosts = ["a.b", "a.b:80"]', "allowed_hosts[1]", "more than a host"),
        ('allowed_hosts = ["https://a.b/"]', "allowed_hosts[0]", "more than a host"),
        ('allowed_hosts = ["bücher.example"]', "allowed_hosts[0]", "xn--"),
        ('allowed_hosts = [".example.org"]', "allowed_hosts[0]", "is not a host name"),
        ('public_url = "runs.example.org"', "public_url", "wants http:// or https://"),
        ('public_url = "ftp://runs.example.org"', "public_url", "wants http:// or https://"),
        ('public_url = "https://"', "public_url", "and a host"),
        ('public_url = "https://a.b:0/"', "public_url", "wants http:// or https://"),
        ('public_url = "https://a.b:99999/"', "public_url", "is not a URL"),
        ('public_url = "https://[::1/"', "public_url", "is not a URL"),
        ('public_url = "https://a_-.b/"', "public_url", "is not a host name"),
        ('public_url = "https://a.b/?x=1"', "public_url", 'a "?" or a "#"'),
        ('public_url = "https://a.b/#x"', "public_url", 'a "?" or a "#"'),
        ('public_url = "https://a.b/x//y"', "public_url", "is not a plain path"),
        ('public_url = "https://a.b/x/../y"', "public_url", "is not a plain path"),
        ('public_url = "https://me:hunter2@a.b/"', "public_url", "holds a user or a password"),
        ('token_file = ""', "token_file", "is empty"),
        ("shutdown_limit = 30", "shutdown_limit", "wants a duration"),
        ('shutdown_limit = "0s"', "shutdown_limit", "is no time at all"),
    ],
)
def test_a_fault_names_its_key(find_errors: FindFaults, tmp_path: Path, line: str, pointer: str, words: str) -> None:
    (tmp_path / "a-file").touch()

    errors = find_errors(f"[service]\n{line}\n{PROJECT}")

    assert list(errors) == [f"service.{pointer}"]
    assert words in errors[f"service.{pointer}"]
    assert "hunter2" not in errors[f"service.{pointer}"]


def test_a_service_that_is_no_table_is_a_fault(find_errors: FindFaults) -> None:
    assert find_errors(f"service = 1\n{PROJECT}") == {"service": "wants a table, found the number 1"}
