"""HTTP for the client: one connection pool for one service, with network failures as Solorun's exceptions.

Knows the URL, the token and the timeouts, but no endpoints; `run_client.py` and `log_stream.py` use it.
"""

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any, Final

import httpx

from solorun.client.problems import error_of
from solorun.errors import ConfigurationInvalid, FieldError, ServiceUnreachable

API_PATH: Final = "/api/v1"
CONNECT_SECONDS: Final = 5.0
RESPONSE_SECONDS: Final = 30.0
"""How long a request waits for its response. A start can wait 5 s for the database."""
IDLE_TIMEOUT_SECONDS: Final = 45.0
"""The service sends something at least every 15 s, so a stream that is silent for three times that is dead."""

Query = Mapping[str, str | int | Sequence[str] | None]

# No limit of connections: each followed run holds one, and at the limit a request would wait for the end of a run.
# Idle connections are closed before the service closes them, which would look like a lost response.
_LIMITS: Final = httpx.Limits(max_connections=None, max_keepalive_connections=20, keepalive_expiry=2.0)


class Connection:
    """Sends requests to the service at `url`. Can be shared by many tasks."""

    def __init__(
        self,
        url: str,
        token: str | None,
        transport: httpx.AsyncBaseTransport | None,
        *,
        idle_timeout_seconds: float = IDLE_TIMEOUT_SECONDS,
    ) -> None:
        self.url = url.rstrip("/")
        parts = _parse(self.url)
        self._idle_timeout_seconds = idle_timeout_seconds
        self._http = httpx.AsyncClient(
            base_url=self.url + API_PATH,
            headers={"Authorization": f"Bearer {token}"} if token else {},
            timeout=httpx.Timeout(RESPONSE_SECONDS, connect=CONNECT_SECONDS),
            limits=_LIMITS,
            # The environment's proxy cannot reach this machine's loopback.
            trust_env=not _is_loopback(parts.host),
            # Loading the CA certificates takes longer than most requests; only https needs them.
            verify=parts.scheme == "https",
            transport=transport,
        )

    async def request(self, method: str, path: str, *, query: Query | None = None, body: bytes | None = None) -> bytes:
        """Return the body of the response. Raises the error in the response, or ServiceUnreachable."""
        headers = {"Content-Type": "application/json"} if body is not None else {}
        try:
            response = await self._http.request(
                method, path, params=_drop_empty(query or {}), content=body, headers=headers
            )
        except httpx.HTTPError as error:
            raise self.unreachable(error) from error
        if response.status_code >= 300 or not _is_json(response):
            raise self._error_of(response, response.content)
        return response.content

    async def open_stream(
        self, path: str, *, query: Query | None = None, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """Return a response whose body is not yet read. Read it with `aiter_raw`, which raises `httpx.HTTPError`.

        The caller closes it. (Not a context manager: those are generators, and at loop shutdown, generators that close
        each other are closed twice at the same time.)
        """
        request = self._http.build_request(
            "GET",
            path,
            params=_drop_empty(query or {}),
            headers={"Accept-Encoding": "identity", **(headers or {})},
            timeout=httpx.Timeout(self._idle_timeout_seconds, connect=CONNECT_SECONDS),
        )
        try:
            response = await self._http.send(request, stream=True)
            if response.status_code >= 300:
                # Reading to the end also closes the response.
                raise self._error_of(response, await response.aread())
        except httpx.HTTPError as error:
            raise self.unreachable(error) from error
        return response

    def unreachable(self, cause: httpx.HTTPError) -> ServiceUnreachable:
        """The exception for a network failure."""
        return ServiceUnreachable(f"The service at {self.url} cannot be reached: {_format_cause(cause)}.")

    async def close(self) -> None:
        """Close all connections, including open streams. Safe to call twice."""
        await self._http.aclose()

    def _error_of(self, response: httpx.Response, body: bytes) -> Exception:
        headers = response.headers
        media_type, retry_after = headers.get("Content-Type", ""), headers.get("Retry-After")
        error = error_of(response.status_code, media_type, body, retry_after=retry_after)
        if isinstance(error, ServiceUnreachable):
            return ServiceUnreachable(f"The service at {self.url} cannot be reached. {error.message}")
        return error


def _parse(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise ConfigurationInvalid([FieldError("url", f'"{url}" is not a URL: {error}')]) from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        message = f'"{url}" is not the URL of a service; example: "http://127.0.0.1:8700"'
        raise ConfigurationInvalid([FieldError("url", message)])
    return parsed


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_json(response: httpx.Response) -> bool:
    return str(response.headers.get("Content-Type", "")).partition(";")[0].strip() == "application/json"


def _drop_empty(query: Query) -> dict[str, Any]:
    return {name: value for name, value in query.items() if value is not None and value != []}


def _format_cause(error: httpx.HTTPError) -> str:
    match error:
        case httpx.ConnectTimeout():
            return f"connecting took longer than {CONNECT_SECONDS:.0f} s"
        case httpx.ConnectError():
            return "connection failed"
        case httpx.ReadTimeout() | httpx.WriteTimeout():
            return "no response in time"
        case _:
            return str(error) or type(error).__name__
