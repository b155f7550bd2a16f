"""The environment that a client finds: proxies, certificates, names, tokens and URLs, usable or not."""

import asyncio
import os
import ssl
import subprocess
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from solorun.client import RunClient
from solorun.errors import ConfigurationInvalid, ServiceUnreachable
from solorun.wire.encoding import encode
from tests.fakes.scripted_service import json_response, make_run, scripted_service

RUN = make_run(17)
SECRET = "s3cret"


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name.startswith("SSL_CERT_"):
            monkeypatch.delenv(name)


# -- proxies


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ALL_PROXY", "socks5://user:s3cret@proxy:1080"),
        ("http_proxy", "http://:s3cret:port"),
        ("HTTP_PROXY", "http://user:s3cret@proxy:99999"),
        ("HTTP_PROXY", "gopher://user:s3cret@proxy"),
        ("http_proxy", "s3cret@"),
    ],
)
def test_an_unusable_proxy_is_named_by_its_variable_without_its_value(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)

    with pytest.raises(ConfigurationInvalid, match=f"^{variable}: ") as raised:
        RunClient("http://runs.example.org")

    assert SECRET not in str(raised.value)


@pytest.mark.parametrize("no_proxy", ["runs.example.org", "example.org", "*"])
def test_an_unusable_proxy_does_not_matter_to_a_host_that_needs_none(
    no_proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://proxy:1080")
    monkeypatch.setenv("NO_PROXY", no_proxy)

    RunClient("http://runs.example.org")


async def test_requests_go_through_the_environments_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    async with scripted_service([json_response(encode(RUN))]) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        async with RunClient("http://runs.invalid") as client:
            run = await client.get_run(17)

    assert run == RUN
    assert proxy.requests[0].target == "http://runs.invalid/api/v1/runs/17"


async def test_a_proxy_that_refuses_is_named_by_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    async with scripted_service([]) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url.replace("//", f"//user:{SECRET}@"))
    async with RunClient("http://runs.invalid") as client:
        with pytest.raises(ServiceUnreachable, match="through the proxy of HTTP_PROXY: connection refused") as raised:
            await client.get_run(17)

    assert SECRET not in str(raised.value)


# -- connections


async def test_a_refused_connection_is_named() -> None:
    async with scripted_service([]) as service:
        pass
    async with RunClient(service.url) as client:
        with pytest.raises(ServiceUnreachable, match="connection refused"):
            await client.get_run(17)


@pytest.mark.parametrize("host", ["runs.invalid", "a..b", f"{'a' * 70}.invalid"])
async def test_a_name_that_does_not_resolve_is_named(host: str) -> None:
    async with RunClient(f"http://{host}") as client:
        with pytest.raises(ServiceUnreachable, match=f'the name "{host}" does not resolve'):
            await client.get_run(17)


# -- TLS


async def test_an_untrusted_certificate_is_named(certificate: Path) -> None:
    async with _tls_server(certificate) as url, RunClient(url) as client:
        with pytest.raises(ServiceUnreachable, match=r"certificate is not trusted \(.+\); SSL_CERT_FILE can name"):
            await client.get_run(17)


async def test_ssl_cert_file_is_used_for_loopback_too(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

    async with _tls_server(certificate) as url, RunClient(url) as client:
        assert await client.get_run(17) == RUN


async def test_a_service_without_tls_is_named() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, RunClient(f"https://127.0.0.1:{port}") as client:
        with pytest.raises(ServiceUnreachable, match="it does not speak TLS; use http://"):
            await client.get_run(17)


@pytest.mark.parametrize(
    ("variable", "name", "message"),
    [
        ("SSL_CERT_FILE", "nowhere.pem", "SSL_CERT_FILE: .*nowhere.pem cannot be read: No such file or directory"),
        ("SSL_CERT_FILE", "empty.pem", "SSL_CERT_FILE: .*empty.pem contains no certificates"),
        ("SSL_CERT_DIR", "nowhere", "SSL_CERT_DIR: there is no directory .*nowhere"),
    ],
)
def test_certificates_that_cannot_be_loaded_are_named(
    variable: str, name: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty.pem").touch()
    monkeypatch.setenv(variable, str(tmp_path / name))

    with pytest.raises(ConfigurationInvalid, match=message):
        RunClient("https://127.0.0.1:8700")


# -- tokens and URLs


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n", " ", "\t", "\xa0"])
async def test_white_space_around_a_token_is_stripped(end: str) -> None:
    async with (
        scripted_service([json_response(encode(RUN))]) as service,
        RunClient(service.url, token=f" {SECRET}{end}") as client,
    ):
        await client.get_run(17)

    assert service.requests[0].headers["authorization"] == f"Bearer {SECRET}"


@pytest.mark.parametrize("token", ["s3cret\ntoken", "s3cret token", "s3crét", "s3cret\x00", "\ud800s3cret"])
def test_a_token_that_no_header_can_carry_is_rejected_without_being_shown(token: str) -> None:
    with pytest.raises(ConfigurationInvalid, match=r"^token: contains a space") as raised:
        RunClient("http://127.0.0.1:8700", token=token)

    assert "s3cr" not in str(raised.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://user:s3cret@host:99999",
        "http://user:s3cret@host:port",
        "http://user:s3@cret:s3cret@",
        "user:s3cret@host",
        "ftp://user:s3cret@host",
        "http:/user:s3cret@host",
        "http://127.0.0.1:0",
        "http://\ud800",
        "http://a\x00b",
        f"http://host/{'a' * 70_000}",
    ],
)
def test_an_invalid_url_is_rejected_without_its_password(url: str) -> None:
    with pytest.raises(ConfigurationInvalid, match=r"^url: ") as raised:
        RunClient(url)

    assert "cret" not in str(raised.value)


async def test_a_user_and_password_are_sent_and_never_shown() -> None:
    async with scripted_service([json_response(encode(RUN))]) as service:
        url = service.url.replace("//", f"//user:{SECRET}@")
        async with RunClient(url) as client:
            await client.get_run(17)
            with pytest.raises(ServiceUnreachable) as raised:
                await client.get_run(17)

    assert client.url == service.url
    assert service.requests[0].headers["authorization"] == "Basic dXNlcjpzM2NyZXQ="
    assert SECRET not in str(raised.value)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for 127.0.0.1, with its key."""
    file = tmp_path_factory.mktemp("tls") / "both.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-subj", "/CN=solorun", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "-", "-out", "-"]
    file.write_bytes(subprocess.run(command, check=True, capture_output=True).stdout)
    return file


@asynccontextmanager
async def _tls_server(certificate: Path) -> AsyncGenerator[str]:
    """The URL of a TLS server that answers each connection with RUN."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.writelines(json_response(encode(RUN)).chunks)
        await writer.drain()
        writer.close()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with server:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
