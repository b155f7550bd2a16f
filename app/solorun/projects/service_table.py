"""Checks the [service] table. Its readers serve flags and environment variables too: see `resolution`."""

import ipaddress
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlsplit

from solorun.projects.validation import (
    InvalidValue,
    Node,
    Table,
    array,
    describe,
    duration,
    is_directory,
    path,
    text,
    whole_number,
)

SERVICE_KEYS: Final = ("host", "port", "data_dir", "allowed_hosts", "public_url", "token_file", "shutdown_limit")
_HINTS = {
    "token": 'a token does not belong in this file: put it into one of its own and name that in "token_file"',
    "timeout": "a time-out belongs to a project or a step",
}
_HOST_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*")
_URL_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)*/?", re.ASCII)
_MAX_PORT = 65_535


def check_service(node: Node, base_dir: Path) -> Mapping[str, object]:
    """The table's values as they stand there, all of them checked. Raises InvalidValue when it is no table."""
    table = Table.open(node, SERVICE_KEYS, _HINTS)
    readers: dict[str, Callable[[Node], Any]] = {
        "host": host,
        "port": port,
        "data_dir": data_dir(base_dir),
        "allowed_hosts": allowed_hosts,
        "public_url": public_url,
        "token_file": path(base_dir),
        "shutdown_limit": duration,
    }
    for key, reader in readers.items():
        table.read(key, reader, None)
    return MappingProxyType(dict(node.value))


port: Final = whole_number(0, _MAX_PORT)


def host(node: Node) -> str:
    """An address to listen at: a name, or an IP address (IPv6 without brackets)."""
    name = text(node).strip().lower()
    if re.search(r"[^:]:\d+$", name) and name.count(":") == 1:
        raise InvalidValue(f'{describe(node.value)} holds a port: that goes into "port"')
    address = _find_address(name)
    if address is None and not _HOST_NAME.fullmatch(name):
        raise InvalidValue(f'{describe(node.value)} is not a host; write a name or an address, like "127.0.0.1"')
    return address or name


def allowed_hosts(node: Node) -> tuple[str, ...]:
    return array(_allowed_host, 'a list of host names, like ["runs.example.org"]')(node)


def _allowed_host(node: Node) -> str:
    """A name as a Host header has it, without its port: IPv6 in brackets."""
    name = text(node).strip().lower().removesuffix(".")
    address = _find_address(name)
    if address:
        return f"[{address}]" if ":" in address else address
    if "*" in name:
        raise InvalidValue(
            f"{describe(node.value)} is a wildcard; name each host (that is what keeps foreign pages out)"
        )
    if "/" in name or ":" in name:
        raise InvalidValue(f'{describe(node.value)} is more than a host; write its name alone, like "runs.example.org"')
    if not name.isascii():
        raise InvalidValue(f'{describe(node.value)} is not how browsers send it; write its ASCII form ("xn--…")')
    if not _HOST_NAME.fullmatch(name):
        raise InvalidValue(f'{describe(node.value)} is not a host name; write it like "runs.example.org"')
    return name


def public_url(node: Node) -> str:
    """The address a proxy gives the service, without a slash at the end. A message never shows a URL's password."""
    url = text(node).strip()
    try:
        parts = urlsplit(url)
        has_valid_port = parts.port is None or 0 < parts.port <= _MAX_PORT
    except ValueError:
        raise InvalidValue('is not a URL; write it like "https://runs.example.org/solorun"') from None
    if parts.scheme not in ("http", "https") or not parts.hostname or not has_valid_port:
        raise InvalidValue('wants http:// or https:// and a host, like "https://runs.example.org/solorun"')
    if parts.username is not None or parts.password is not None:
        raise InvalidValue("holds a user or a password: a public URL has neither")
    if "?" in url or "#" in url:
        raise InvalidValue('holds a "?" or a "#": end it with the path')
    if not (_find_address(parts.hostname) or _HOST_NAME.fullmatch(parts.hostname)):
        raise InvalidValue(f"{describe(parts.hostname)} is not a host name")
    if not _URL_PATH.fullmatch(parts.path) or {".", ".."} & set(parts.path.split("/")):
        raise InvalidValue(f'{describe(parts.path)} is not a plain path, like "/solorun"')
    return url.rstrip("/")


def data_dir(base_dir: Path) -> Callable[[Node], Path]:
    def read(node: Node) -> Path:
        directory = path(base_dir)(node)
        # It need not be there yet.
        is_directory(directory)
        return directory

    return read


def _find_address(name: str) -> str | None:
    """An IP address in its usual spelling, without brackets; None for anything else."""
    try:
        return str(ipaddress.ip_address(name.removeprefix("[").removesuffix("]")))
    except ValueError:
        return None
