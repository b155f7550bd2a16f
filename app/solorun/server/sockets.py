"""The sockets that the service listens on."""

import socket
from errno import EADDRINUSE
from typing import Final

from solorun.errors import ConfigurationInvalid, FieldError

BACKLOG: Final = 2048
SEND_BUFFER_BYTES: Final = 256 * 1024
"""What the kernel buffers for a stalled reader. Its own default would be megabytes for each."""


def bind(host: str, port: int) -> list[socket.socket]:
    """A listening socket for every address of `host`, all on the same port; 0 picks a free one.

    Raises ConfigurationInvalid if the name cannot be resolved or the address is in use.
    """
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise ConfigurationInvalid(
            [FieldError("service.host", f'"{host}" is not an address of this machine: {error}')]
        ) from None
    sockets: list[socket.socket] = []
    try:
        for family, kind, protocol, _, address in dict.fromkeys(addresses):
            sockets.append(_bind(family, kind, protocol, (address[0], port, *address[2:])))
            port = port or sockets[0].getsockname()[1]
    except OSError as error:
        for sock in sockets:
            sock.close()
        message = f"cannot listen on {format_address(host, port)}: {error.strerror or error}"
        if error.errno == EADDRINUSE:
            message += "; use --port to choose another one"
        raise ConfigurationInvalid([FieldError("service.port", message)]) from None
    return sockets


def address_of(sockets: list[socket.socket], host: str) -> str:
    """The URL of the service for programs on this machine."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"http://{format_address(host, sockets[0].getsockname()[1])}"


def format_address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host and not host.startswith("[") else f"{host}:{port}"


def _bind(family: int, kind: int, protocol: int, address: tuple[object, ...]) -> socket.socket:
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Accepted connections inherit this.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(address)
        # Linux lets several sockets bind an address until one of them listens. uvloop would not report that the others
        # cannot listen.
        sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock
