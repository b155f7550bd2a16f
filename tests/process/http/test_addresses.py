"""The addresses the server listens on."""

import socket
from contextlib import ExitStack

import pytest

from solorun.errors import ConfigurationInvalid
from solorun.server.sockets import SEND_BUFFER_BYTES, address_of, bind


def test_the_port_of_a_service_that_still_starts_is_a_configuration_error() -> None:
    (taken,) = bind("127.0.0.1", 0)
    with taken:
        port = taken.getsockname()[1]

        with pytest.raises(ConfigurationInvalid, match=f"cannot listen on 127.0.0.1:{port}: .+; use --port"):
            bind("127.0.0.1", port)


def test_a_host_that_cannot_be_resolved_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationInvalid, match="not an address of this machine"):
        bind("no.such.host.invalid", 0)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:"),
        ("::1", "http://[::1]:"),
        ("0.0.0.0", "http://127.0.0.1:"),
        ("::", "http://[::1]:"),
    ],
)
def test_port_0_picks_a_free_port_on_any_kind_of_address(host: str, url: str) -> None:
    with ExitStack() as stack:
        sockets = [stack.enter_context(sock) for sock in bind(host, 0)]

        ports = {sock.getsockname()[1] for sock in sockets}
        sizes = [sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) for sock in sockets]
        address = address_of(sockets, host)

    assert {address} == {f"{url}{port}" for port in ports}
    assert min(sizes) >= SEND_BUFFER_BYTES
