"""Validates the [service] table. Its readers are used for flags and environment variables too (`settings_sources`)."""

import ipaddress
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from solorun.projects import readers
from solorun.projects.validation import InvalidValue, Node, Table, format_value
from solorun.settings import LOG_FORMATS, MAX_PORT

_HINTS = {
    "token": 'put the token into a separate file, and set "token_file" to its path',
    "secret_key": 'put the key into a separate file, and set "secret_key_file" to its path',
    "timeout": "set the timeout of a project or a step",
}
_HOST_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_MAX_HOST_CHARS = 253
_BUCKET = re.compile(r"(?![.-])[a-z0-9.-]{3,63}(?<![.-])")
_MAX_PREFIX_CHARS = 100
_PREFIX_PART = re.compile(r"[A-Za-z0-9._=-]+", re.ASCII)
_URL_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)*/?", re.ASCII)


def check_service(node: Node) -> Mapping[str, object]:
    """The table's values as written, after validating them. Raises InvalidValue if it is not a table."""
    table = Table(node, SERVICE_READERS, _HINTS)
    for key, reader in SERVICE_READERS.items():
        table.read(key, reader, None)
    return MappingProxyType(dict(node.value))


_limit: Final = readers.whole_number(1, 100_000)


def port(node: Node) -> int:
    if isinstance(node.value, str) and node.value.startswith("tcp://"):
        raise InvalidValue(
            "is what Kubernetes sets for a Service named solorun; set enableServiceLinks: false for the pod"
        )
    return readers.whole_number(0, MAX_PORT)(node)


def host(node: Node) -> str:
    """An address to listen on: a name, or an IP address (IPv6 without brackets)."""
    name = readers.text(node).strip().lower()
    if re.search(r"[^:]:\d+$", name) and name.count(":") == 1:
        raise InvalidValue(f'{format_value(node.value)} contains a port; set "port" instead')
    address = _find_address(name)
    if address is None and not _is_host_name(name):
        raise InvalidValue(f'{format_value(node.value)} is not a host; write a name or an address like "127.0.0.1"')
    return address or name


def _allowed_host(node: Node) -> str:
    """A name as in a Host header, without the port; IPv6 in brackets."""
    name = readers.text(node).strip().lower().removesuffix(".")
    address = _find_address(name)
    if address:
        return f"[{address}]" if ":" in address else address
    if "*" in name:
        raise InvalidValue(
            f"{format_value(node.value)} is a wildcard; list each host by name, so that other sites stay locked out"
        )
    if "/" in name or ":" in name:
        raise InvalidValue(
            f'{format_value(node.value)} is more than a host; write only the name, like "runs.example.org"'
        )
    if not name.isascii():
        raise InvalidValue(
            f'{format_value(node.value)} is not the form that browsers send; write its ASCII form ("xn--…")'
        )
    if not _is_host_name(name):
        raise InvalidValue(f'{format_value(node.value)} is not a host name; write it like "runs.example.org"')
    return name


def public_url(node: Node) -> str:
    """The URL of the service behind a proxy, without a trailing slash. No message contains a URL's password."""
    url = readers.text(node).strip()
    try:
        parts = urlsplit(url)
        has_valid_port = parts.port is None or 0 < parts.port <= MAX_PORT
    except ValueError:
        raise InvalidValue('is not a URL; write it like "https://runs.example.org/solorun"') from None
    if parts.scheme not in ("http", "https") or not parts.hostname or not has_valid_port:
        raise InvalidValue('expected http:// or https:// and a host, like "https://runs.example.org/solorun"')
    if parts.username is not None or parts.password is not None:
        raise InvalidValue("contains a user or a password; a public URL has neither")
    if "?" in url or "#" in url:
        raise InvalidValue('contains "?" or "#"; end it with the path')
    if not (_find_address(parts.hostname) or _is_host_name(parts.hostname)):
        raise InvalidValue(f"{format_value(parts.hostname)} is not a host name")
    if not _URL_PATH.fullmatch(parts.path) or {".", ".."} & set(parts.path.split("/")):
        raise InvalidValue(f'{format_value(parts.path)} is not a plain path like "/solorun"')
    return url.rstrip("/")


def database_url(node: Node) -> str:
    """The URL of a PostgreSQL database. No message contains it, because it may contain a password."""
    url = readers.text(node).strip()
    if not url.startswith(("postgresql://", "postgres://")):
        raise InvalidValue('expected a PostgreSQL database, like "postgresql://solorun@db.example.org/solorun"')
    user, _, _ = url.partition("//")[2].rpartition("@")
    if "/" in user or "@" in user:
        # The driver would take a part of the password for the host, and print it.
        raise InvalidValue('has a "/" or "@" that is not a separator; write %2F or %40 in the user and the password')
    return url


def artifact_store(node: Node) -> str:
    """The URL of a bucket, and a prefix in it. No message contains it, because it may contain credentials."""
    url = readers.text(node).strip()
    if "@" in url:
        raise InvalidValue("contains credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment")
    bucket, *prefix = url.removeprefix("s3://").removesuffix("/").split("/")
    is_valid = (
        len("/".join(prefix)) < _MAX_PREFIX_CHARS and url.startswith("s3://") and _BUCKET.fullmatch(bucket) is not None
    )
    if not is_valid or not all(_PREFIX_PART.fullmatch(part) and part not in (".", "..") for part in prefix):
        raise InvalidValue('expected a bucket and, if you like, a prefix, like "s3://artifacts/solorun"')
    return url.removesuffix("/")


def otlp_endpoint(node: Node) -> str:
    """The base URL of a collector, to which the path of each signal is added."""
    url = readers.text(node).strip()
    try:
        parts = urlsplit(url)
        is_valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_valid = False
    if not is_valid:
        raise InvalidValue('expected the URL of an OTLP collector over HTTP, like "http://localhost:4318"')
    return url


def data_dir(node: Node) -> Path:
    directory = readers.path(node)
    # It need not exist yet.
    readers.is_directory(directory)
    return directory.absolute()


allowed_hosts: Final = readers.array(_allowed_host, 'a list of host names, like ["runs.example.org"]')

SERVICE_READERS: Final[Mapping[str, Callable[[Node], object]]] = {
    "host": host,
    "port": port,
    "data_dir": data_dir,
    "shared_dir": data_dir,
    "database_url": database_url,
    "secret_key_file": readers.path,
    "artifact_store": artifact_store,
    "allowed_hosts": allowed_hosts,
    "public_url": public_url,
    "token_file": readers.path,
    "require_token": readers.boolean,
    "execute_runs": readers.boolean,
    "shutdown_limit": readers.duration,
    "log_format": readers.choice(*LOG_FORMATS),
    "otlp_endpoint": otlp_endpoint,
    "max_projects_per_pattern": _limit,
    "max_streams": _limit,
    "max_streams_per_client": _limit,
}
"""The reader of each key."""


def _is_host_name(name: str) -> bool:
    return len(name) <= _MAX_HOST_CHARS and all(map(_HOST_LABEL.fullmatch, name.split(".")))


def _find_address(name: str) -> str | None:
    """An IP address in its canonical form, without brackets; None for anything else."""
    try:
        return str(ipaddress.ip_address(name.removeprefix("[").removesuffix("]")))
    except ValueError:
        return None
