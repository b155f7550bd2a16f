"""Finds the proxy that the environment names for the service (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY)."""

import ipaddress
import os
from importlib.util import find_spec
from typing import Final
from urllib.request import getproxies, proxy_bypass

import httpx

from solorun.errors import ConfigurationInvalid, FieldError
from solorun.settings import MAX_PORT

_NOT_A_PROXY: Final = 'is not the URL of a proxy; example: "http://proxy.example.org:3128"'


def find_proxy(url: httpx.URL) -> tuple[httpx.Proxy, str] | None:
    """The proxy for `url` and the environment variable that names it, whose value may contain a password, or None.

    Raises ConfigurationInvalid, which names the variable, if the proxy cannot be used.
    """
    # A proxy cannot reach this machine's loopback.
    if is_loopback(url.host) or proxy_bypass(url.host):
        return None
    named = getproxies()
    text = named.get(url.scheme) or named.get("all")
    if not text:
        return None
    names = [f"{url.scheme}_proxy", f"{url.scheme.upper()}_PROXY", "all_proxy", "ALL_PROXY"]
    variable = next((name for name in names if os.environ.get(name) == text), names[0])
    try:
        proxy = httpx.Proxy(text if "://" in text else f"http://{text}")
    except (httpx.InvalidURL, ValueError):
        raise ConfigurationInvalid([FieldError(variable, _NOT_A_PROXY)]) from None
    if not proxy.url.host or not is_port(proxy.url.port):
        raise ConfigurationInvalid([FieldError(variable, _NOT_A_PROXY)])
    if proxy.url.scheme.startswith("socks") and find_spec("socksio") is None:
        message = f"{proxy.url.scheme} proxies need the package socksio. Use an HTTP proxy, or add the host to NO_PROXY"
        raise ConfigurationInvalid([FieldError(variable, message)])
    return proxy, variable


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
