"""Finds the proxy that the environment names for the service (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY)."""

import ipaddress
import os
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Final
from urllib.request import getproxies, proxy_bypass

import httpx

from solorun.errors import ConfigurationInvalid, FieldError

MAX_PORT: Final = 65_535
_NOT_A_PROXY: Final = 'is not the URL of a proxy; example: "http://proxy.example.org:3128"'


@dataclass(frozen=True)
class EnvironmentProxy:
    """`variable` is the environment variable that names the proxy. Its value may contain a password."""

    proxy: httpx.Proxy
    variable: str


def find_proxy(url: httpx.URL) -> EnvironmentProxy | None:
    """The proxy for `url`, or None. Raises ConfigurationInvalid, which names the variable, if it cannot be used."""
    # A proxy cannot reach this machine's loopback.
    if is_loopback(url.host) or proxy_bypass(url.host):
        return None
    named = getproxies()
    text = named.get(url.scheme) or named.get("all")
    if not text:
        return None
    variable = _variable_with(text, url.scheme)
    try:
        proxy = httpx.Proxy(text if "://" in text else f"http://{text}")
    except (httpx.InvalidURL, ValueError):
        raise _unusable(variable, _NOT_A_PROXY) from None
    if not proxy.url.host or not is_port(proxy.url.port):
        raise _unusable(variable, _NOT_A_PROXY)
    if proxy.url.scheme.startswith("socks") and find_spec("socksio") is None:
        message = f"{proxy.url.scheme} proxies need the package socksio. Use an HTTP proxy, or add the host to NO_PROXY"
        raise _unusable(variable, message)
    return EnvironmentProxy(proxy, variable)


def is_loopback(host: str) -> bool:
    """Whether this names only this machine, without a look at the resolver."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_port(port: int | None) -> bool:
    """Whether this is a port, or None for the scheme's default."""
    return port is None or 0 < port <= MAX_PORT


def _variable_with(text: str, scheme: str) -> str:
    names = [f"{scheme}_proxy", f"{scheme.upper()}_PROXY", "all_proxy", "ALL_PROXY"]
    return next((name for name in names if os.environ.get(name) == text), names[0])


def _unusable(variable: str, message: str) -> ConfigurationInvalid:
    return ConfigurationInvalid([FieldError(variable, message)])
