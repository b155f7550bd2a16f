"""HTTP for the client: one connection pool for one service, with all failures as Solorun's exceptions.

Knows the URL, the token and the timeouts, but no endpoints; `run_client.py` and `log_stream.py` use it.
"""

import re
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

import httpx
import msgspec

from solorun.client.failures import CONNECT_SECONDS, describe_failure
from solorun.client.problems import error_of
from solorun.client.proxy import find_proxy, is_port
from solorun.client.tls import create_tls_context
from solorun.errors import ConfigurationInvalid, FieldError, ServiceUnreachable
from solorun.settings import MAX_PORT
from solorun.trace_context import TRACEPARENT

API_PATH: Final = "/api/v1"
RESPONSE_SECONDS: Final = 30.0
"""How long a request waits for its response. A start can wait 5 s for the database."""
MAX_ANSWER_BYTES: Final = 64 * 1024 * 1024
"""Far more than any page of the service. What is not a service, or is hostile, might never end."""
IDLE_TIMEOUT_SECONDS: Final = 45.0
"""The service sends something at least every 15 s, so a stream that is silent for three times that is dead."""
COPY_SECONDS: Final = 3600.0
"""How long a backup waits for its first byte: the service copies the whole database before."""

Query = Mapping[str, str | int | Sequence[str] | None]
T = TypeVar("T")

_NOT_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError, httpx.LocalProtocolError)
_GATEWAY_ERRORS: Final = frozenset({502, 503, 504})
_VISIBLE_ASCII: Final = re.compile(r"[!-~]+")
# No limit of connections: each followed run holds one, and at the limit a request would wait for the end of a run.
# Idle connections are closed before the service closes them, which would look like a lost response.
_LIMITS: Final = httpx.Limits(max_connections=None, max_keepalive_connections=20, keepalive_expiry=2.0)


class AnswerLost(ServiceUnreachable):
    """The request may have arrived, but its answer did not."""


class UnreadableAnswer(ServiceUnreachable):
    """The service's answer is not what this client expects."""


class Connection:
    """Sends requests to the service at `url`. Can be shared by many tasks.

    Raises ConfigurationInvalid if the URL, the token, or the environment's proxy or certificates cannot be used.
    """

    def __init__(
        self,
        url: str,
        token: str | None,
        transport: httpx.AsyncBaseTransport | None,
        traceparent: str | None = None,
        *,
        idle_timeout_seconds: float = IDLE_TIMEOUT_SECONDS,
    ) -> None:
        parts = _parse(url)
        self.url = str(parts.copy_with(username=None, password=None)).rstrip("/")
        """Without user name and password, because it is printed."""
        self._idle_timeout_seconds = idle_timeout_seconds
        proxy, variable = find_proxy(parts) or (None, "")
        self._connects_to = proxy.url.host if proxy else parts.host
        self._via = f" through the proxy of {variable}" if proxy else ""
        self._http = httpx.AsyncClient(
            base_url=self.url + API_PATH,
            headers={**_authorization(token), **({TRACEPARENT: traceparent} if traceparent else {})},
            auth=httpx.BasicAuth(parts.username, parts.password) if parts.userinfo else None,
            timeout=httpx.Timeout(RESPONSE_SECONDS, connect=CONNECT_SECONDS),
            limits=_LIMITS,
            # `proxy.py` and `tls.py` read the environment. Their errors name the variable.
            trust_env=False,
            proxy=proxy,
            # Loading the CA certificates takes longer than most requests; only https needs them.
            verify=create_tls_context() if parts.scheme == "https" else False,
            transport=transport,
        )

    async def request(
        self,
        method: str,
        path: str,
        kind: type[T],
        *,
        query: Query | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> T:
        """Return the body of the response as a `kind`. Raises the error in the response, or ServiceUnreachable."""
        headers = {**({"Content-Type": "application/json"} if body is not None else {}), **(headers or {})}
        request = self._http.build_request(method, path, params=_drop_empty(query or {}), content=body, headers=headers)
        try:
            response = await self._http.send(request, stream=True)
            content = await self._read(response)
        except httpx.HTTPError as error:
            raise self.unreachable(error) from error
        media_type = response.headers.get("Content-Type", "").partition(";")[0].strip()
        if response.status_code >= 300 or media_type != "application/json":
            raise self._error_of(response, content)
        return self.decode(lambda data: msgspec.json.decode(data, type=kind), content)

    async def open_stream(
        self,
        path: str,
        *,
        method: str = "GET",
        query: Query | None = None,
        headers: Mapping[str, str] | None = None,
        idle_timeout_seconds: float | None = None,
    ) -> httpx.Response:
        """Return a response whose body is not yet read. Read it with `aiter_raw`, which raises `httpx.HTTPError`.

        The caller closes it. (Not a context manager: those are generators, and at loop shutdown, generators that close
        each other are closed twice at the same time.)
        """
        request = self._http.build_request(
            method,
            path,
            params=_drop_empty(query or {}),
            headers={"Accept-Encoding": "identity", **(headers or {})},
            timeout=httpx.Timeout(idle_timeout_seconds or self._idle_timeout_seconds, connect=CONNECT_SECONDS),
        )
        try:
            response = await self._http.send(request, stream=True)
            if response.status_code >= 300:
                raise self._error_of(response, await self._read(response))
        except httpx.HTTPError as error:
            raise self.unreachable(error) from error
        return response

    async def stream(
        self,
        path: str,
        *,
        method: str = "GET",
        query: Query | None = None,
        idle_timeout_seconds: float | None = None,
    ) -> AsyncGenerator[bytes]:
        """Yield the body of a response in chunks. Raises ServiceUnreachable if the connection is lost."""
        response = await self.open_stream(path, method=method, query=query, idle_timeout_seconds=idle_timeout_seconds)
        try:
            async for chunk in response.aiter_raw():
                yield chunk
        except httpx.HTTPError as error:
            raise self.unreachable(error) from error
        finally:
            await response.aclose()

    async def stream_lines(self, path: str, *, query: Query) -> AsyncGenerator[bytes]:
        """Yield the complete lines of a response as they arrive. Raises UnreadableAnswer for a line without end."""
        unfinished: list[bytes] = []
        async for chunk in self.stream(path, query=query):
            lines, newline, rest = chunk.rpartition(b"\n")
            if newline:
                yield b"".join([*unfinished, lines])
                unfinished = []
            unfinished.append(rest)
            if sum(map(len, unfinished)) > MAX_ANSWER_BYTES:
                raise self.unreadable()

    def decode(self, decode: Callable[[bytes], T], data: bytes) -> T:
        """Decode a part of an answer. Raises UnreadableAnswer, which is a ServiceUnreachable."""
        try:
            return decode(data)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            raise self.unreadable() from None

    def unreachable(self, cause: httpx.HTTPError) -> ServiceUnreachable:
        """The exception for a network failure."""
        reason = describe_failure(cause, self._connects_to)
        kind = ServiceUnreachable if isinstance(cause, _NOT_SENT) else AnswerLost
        return kind(f"The service at {self.url} cannot be reached{self._via}: {reason}.")

    async def close(self) -> None:
        """Close all connections, including open streams. Safe to call twice."""
        await self._http.aclose()

    async def _read(self, response: httpx.Response) -> bytes:
        """The body, decompressed. Raises UnreadableAnswer if it is too large, and closes the response."""
        body = bytearray()
        try:
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > MAX_ANSWER_BYTES:
                    raise self.unreadable()
        finally:
            await response.aclose()
        return bytes(body)

    def unreadable(self) -> UnreadableAnswer:
        """The exception for an answer that no Solorun sends."""
        return UnreadableAnswer(
            f"The service at {self.url} sent an answer that this client cannot read. "
            "It may be of another version, or a proxy may have changed the answer."
        )

    def _error_of(self, response: httpx.Response, body: bytes) -> Exception:
        headers = response.headers
        media_type, retry_after = headers.get("Content-Type", ""), headers.get("Retry-After")
        error = error_of(response.status_code, media_type, body, retry_after=retry_after)
        if isinstance(error, ServiceUnreachable):
            kind = AnswerLost if response.status_code in _GATEWAY_ERRORS else ServiceUnreachable
            return kind(f"The service at {self.url} cannot be reached{self._via}. {error.message}")
        return error


def _parse(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url)
        parsed.host.encode()
    except (httpx.InvalidURL, ValueError):
        raise _invalid(url) from None
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise _invalid(url)
    if not is_port(parsed.port):
        raise ConfigurationInvalid([FieldError("url", f"{parsed.port} is not a port; the highest one is {MAX_PORT}")])
    return parsed


def _invalid(url: str) -> ConfigurationInvalid:
    # What precedes the last "@" may be a password.
    shown = url.rpartition("@")[2]
    message = f'"{shown}" is not the URL of a service; example: "http://127.0.0.1:8700"'
    return ConfigurationInvalid([FieldError("url", message)])


def _authorization(token: str | None) -> dict[str, str]:
    """The header for a token, without the white space around it, which the service strips too."""
    stripped = (token or "").strip()
    if not stripped:
        return {}
    if not _VISIBLE_ASCII.fullmatch(stripped):
        message = "contains a space, a control character or a non-ASCII character, which no HTTP header can carry"
        raise ConfigurationInvalid([FieldError("token", message)])
    return {"Authorization": f"Bearer {stripped}"}


def _drop_empty(query: Query) -> dict[str, Any]:
    return {name: value for name, value in query.items() if value is not None and value != []}
