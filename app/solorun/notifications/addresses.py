"""Decides which addresses a notification may be sent to: without `allow_private`, only public ones."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final

from solorun.notifications.not_delivered import NotDelivered

Resolve = Callable[[str, int], Awaitable[list[str]]]

_NAT64: Final = IPv6Network("64:ff9b::/96")
_LOCAL_NAT64: Final = IPv6Network("64:ff9b:1::/48")


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the internet. One that contains an IPv4 address is judged by that."""
    parsed = ip_address(address.partition("%")[0])
    if isinstance(parsed, IPv6Address):
        embedded = parsed.ipv4_mapped or parsed.sixtofour
        if embedded is None and parsed in _NAT64:
            embedded = IPv4Address(int(parsed) & 0xFFFFFFFF)
        if embedded is not None:
            return is_public(str(embedded))
        if parsed in _LOCAL_NAT64 or parsed.teredo is not None:
            return False
    return parsed.is_global and not parsed.is_multicast


async def resolve_host(host: str, port: int) -> list[str]:
    """The addresses of a host, best first. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


async def find_addresses(
    host: str, port: int, *, allow_private: bool, resolve_host: Resolve = resolve_host
) -> list[str]:
    """The addresses to connect to. Connect to these and not to the name: a moment later it may mean another one.

    Raises NotDelivered if there is none, or if one of them is not public and may not be used.
    """
    try:
        addresses = await resolve_host(host, port)
    except (OSError, UnicodeError) as error:
        raise NotDelivered(f"its host was not found: {getattr(error, 'strerror', None) or 'invalid name'}") from None
    if not allow_private and not all(map(is_public, addresses)):
        raise NotDelivered(f"{host} has a private address; set allow_private = true if that is intended")
    return addresses
