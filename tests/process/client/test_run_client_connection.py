"""How a RunClient reaches the service: its URL, its token, proxies and network errors."""

import asyncio

import httpx
import pytest

from solorun.client import RunClient
from solorun.errors import ConfigurationInvalid, ServiceUnreachable
from solorun.wire.encoding import encode
from tests.fakes.scripted_service import (
    events,
    json_response,
    make_run,
    scripted_service,
)

RUN = make_run(17)


@pytest.mark.parametrize("url", ["", "runs.example.org", "ftp://host", "http://", "http://host:port", "localhost:8700"])
def test_an_invalid_url_is_rejected(url: str) -> None:
    with pytest.raises(ConfigurationInvalid, match="url: "):
        RunClient(url)


async def test_a_url_can_have_a_path_and_a_trailing_slash() -> None:
    async with (
        scripted_service([json_response(encode(RUN))]) as service,
        RunClient(f"{service.url}/solorun/") as client,
    ):
        await client.get_run(17)

    assert service.requests[0].target == "/solorun/api/v1/runs/17"


async def test_the_token_is_sent_and_not_shown() -> None:
    async with (
        scripted_service([json_response(encode(RUN))]) as service,
        RunClient(service.url, token="s3cret-token") as client,
    ):
        await client.get_run(17)
        shown = f"{client!r} {client.follow(17)!r} {client.__dict__!r}"

    assert service.requests[0].headers["authorization"] == "Bearer s3cret-token"
    assert "s3cret-token" not in shown


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_the_environments_proxy_is_not_used_for_loopback(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")

    async with (
        scripted_service([json_response(encode(RUN))]) as service,
        RunClient(service.url.replace("127.0.0.1", host)) as client,
    ):
        run = await client.get_run(17)

    assert run == RUN


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (httpx.ConnectError("refused"), "connection failed"),
        (httpx.ConnectTimeout("late"), "connecting took longer than 5 s"),
        (httpx.ReadTimeout("late"), "no response in time"),
        (httpx.RemoteProtocolError("s3cret"), "the connection was closed before the response was complete"),
        (httpx.ReadError("s3cret"), "the connection was lost"),
        (httpx.LocalProtocolError("s3cret"), r"the request failed \(LocalProtocolError\)"),
        (httpx.ProxyError("407 s3cret"), "the proxy answered with HTTP 407"),
        (httpx.ProxyError("s3cret"), "the proxy refused the connection"),
    ],
)
async def test_a_network_error_is_described(failure: httpx.HTTPError, words: str) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise failure

    async with RunClient("http://runs.example.org", transport=httpx.MockTransport(fail)) as client:
        with pytest.raises(ServiceUnreachable, match=words) as raised:
            await client.get_run(17)

    assert "s3cret" not in str(raised.value)


async def test_cancelling_a_call_does_not_affect_others() -> None:
    silent = events(hang=True)

    async with scripted_service([silent, json_response(encode(RUN))]) as service, RunClient(service.url) as client:
        call = asyncio.create_task(client.get_run(16))
        await asyncio.wait_for(service.asked.wait(), 60)
        call.cancel()
        run = await client.get_run(17)
        await asyncio.wait_for(service.hung_up.wait(), 60)

    assert call.cancelled()
    assert run == RUN
