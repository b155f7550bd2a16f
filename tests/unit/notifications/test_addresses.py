"""Which addresses a notification may be sent to."""

import pytest

from solorun.notifications.addresses import find_addresses, is_public
from solorun.notifications.not_delivered import NotDelivered


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1%eth0",
        "fd00::1",
        "ff02::1",
        "::ffff:10.0.0.1",
        "::ffff:127.0.0.1",
        "64:ff9b::a00:1",
        "64:ff9b:1::1",
        "2002:7f00:1::",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    ],
)
def test_an_address_that_is_not_of_the_internet_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34", "64:ff9b::5db8:d822", "2002:5db8:d822::"]
)
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(address)


async def test_a_host_with_one_private_address_is_refused() -> None:
    async def resolve_host(_host: str, _port: int) -> list[str]:
        return ["93.184.216.34", "10.0.0.1"]

    with pytest.raises(NotDelivered, match="has a private address; set allow_private"):
        await find_addresses("rebind.example", 443, allow_private=False, resolve_host=resolve_host)

    found = await find_addresses("rebind.example", 443, allow_private=True, resolve_host=resolve_host)
    assert found == ["93.184.216.34", "10.0.0.1"]


async def test_the_address_is_that_of_the_system() -> None:
    assert await find_addresses("127.0.0.1", 80, allow_private=True) == ["127.0.0.1"]


@pytest.mark.parametrize("host", ["does-not-exist.invalid", "a" * 70 + ".example"])
async def test_a_host_without_an_address_is_not_found(host: str) -> None:
    with pytest.raises(NotDelivered, match="its host was not found"):
        await find_addresses(host, 443, allow_private=False)
